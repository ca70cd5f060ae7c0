import { z } from "zod";
import { openModelFolder } from "#lib/diffusion/model-folder.ts";
import { AppError } from "#lib/errors.ts";
import type { FoundFamily } from "#lib/families/found-family.ts";
import {
  optionalParts,
  pipelineFacts,
  type PipelinePart,
  pipelineParts,
  pipelineRefusal,
} from "#lib/families/pipelines.ts";
import type { Prediction } from "#lib/families/prediction.ts";
import { type Folder, readJsonIn } from "#lib/weights/folder.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { amountOf, mergedMetadata, mergedTensors, type Part, partOf, type Tensors } from "./facts.ts";
import { familyOf } from "./family.ts";
import { blank, type Inspection } from "./inspection.ts";
import { sentenceOf } from "./sentence.ts";
import { notAsItIs } from "./what-runs.ts";
import { modelProblems } from "./whole.ts";

/** A folder with a model_index.json: all its networks, and whether they are together a model that runs. */
export async function inspectDiffusersFolder(folder: Folder): Promise<Inspection> {
  const { name } = folder;
  const index = indexJson.safeParse(await readJsonIn(folder, "model_index.json"));
  if (!index.success)
    throw new AppError("bad_request", `${name}/model_index.json is not an index of components; download it again.`);

  const pipeline = index.data._class_name;
  const components = pipelineParts(index.data);
  const found: FoundPart[] = [];
  for (const component of components.filter(isNetwork)) found.push(...(await readPart(folder, component)));
  const denoiser = denoiserNames.flatMap((part) => found.filter((one) => one.part.name === part)).at(0)?.found;
  const listed = components.map((component) => component.name);
  const facts = pipelineFacts(pipeline, listed);
  const refusal = pipelineRefusal(name, pipeline, listed);
  const { weights, together } = refusal ? { weights: null, together: [refusal] } : await wholeFolder(folder);
  const problems = [...(weights ?? []), ...together];
  const runs = problems.length === 0;
  const { prediction, zeroTerminalSnr } = await readScheduler(folder);
  return {
    ...blank,
    name,
    kind: "diffusers folder",
    form: pipeline,
    family: (facts.isOther && denoiser?.runs !== false ? facts.name : null) ?? denoiser?.name ?? facts.name,
    families: denoiser?.id ? [denoiser.name] : [],
    ...amountOf(new Map(found.flatMap(({ part, tensors }) => [...prefixed(part.name, tensors)]))),
    prediction,
    zeroTerminalSnr,
    parts: found.map(({ part }) => part),
    weightsFitConfig: weights && weights.length === 0,
    runs,
    whatRuns: runs ? "sample and check run it" : notAsItIs,
    problems,
  };
}

/** A folder whose parts cannot be opened has no weights to hold against their configs. */
const wholeFolder = (folder: Folder): Promise<{ weights: readonly string[] | null; together: readonly string[] }> =>
  openModelFolder(folder).then(modelProblems, (failure: unknown) => ({
    weights: null,
    together: [sentenceOf(failure)],
  }));

/** The part that is named a model for: the first that is there. */
const denoiserNames = ["unet", "transformer", "prior", "decoder", "prior_prior"];

const prefixed = (part: string, tensors: Tensors): Tensors =>
  new Map([...tensors].map(([tensor, entry]) => [`${part}/${tensor}`, entry]));

const indexJson = z.looseObject({ _class_name: z.string().max(200) });

const isNetwork = ({ type }: PipelinePart): boolean =>
  !/Tokenizer|Scheduler|Processor|FeatureExtractor|Solver/.test(type);

interface FoundPart {
  readonly part: Part;
  readonly tensors: Tensors;
  readonly found: FoundFamily | null;
}

/** None where an optional part was left out. */
async function readPart(folder: Folder, component: PipelinePart): Promise<FoundPart[]> {
  const { name } = component;
  const own = folder.folder(name);
  let present: readonly string[] = [];
  try {
    present = await own.names();
    if (optionalParts.has(name) && !present.some(isWeights)) return [];
    const files = await readComponentWeights(own, stemOf(component, present));
    const tensors = mergedTensors(files);
    const found = familyOf(tensors);
    const part = partOf(name, tensors, { family: found?.name ?? null, metadata: mergedMetadata(files) });
    return [{ part, tensors, found }];
  } catch (failure) {
    const graph = present.find((file) => file.endsWith(".onnx"));
    const refusal = `${own.name} holds ${graph}, and ONNX files are refused: a graph is code; give the folder that has safetensors files.`;
    const part = partOf(name, new Map(), { problem: graph ? refusal : sentenceOf(failure) });
    return [{ part, tensors: new Map(), found: null }];
  }
}

const isWeights = (file: string): boolean => /\.(safetensors|bin|ckpt|pt|pth|onnx|msgpack)$/.test(file);

/** Models of transformers are `model`, also those that a pipeline of diffusers brings, such as its safety checker. */
function stemOf({ library }: PipelinePart, present: readonly string[]): string {
  const stem = ["diffusion_pytorch_model", "model"].find((start) =>
    present.some((file) => file.startsWith(`${start}.`) || file.startsWith(`${start}-`)),
  );
  return stem ?? (library === "diffusers" ? "diffusion_pytorch_model" : "model");
}

const schedulerJson = z.looseObject({
  _class_name: z.string().nullish(),
  prediction_type: z.string().max(60).nullish(),
  rescale_betas_zero_snr: z.boolean().nullish(),
});

/** As diffusers reads it: where the scheduler is silent, and no flow-matching one, the network predicts ε. */
async function readScheduler(
  folder: Folder,
): Promise<{ prediction: Prediction | null; zeroTerminalSnr: boolean | null }> {
  const file = "scheduler/scheduler_config.json";
  const config = schedulerJson.safeParse(
    await readJsonIn(folder.folder("scheduler"), "scheduler_config.json").catch(() => null),
  ).data;
  if (!config || /FlowMatch/.test(config._class_name ?? "")) return { prediction: null, zeroTerminalSnr: null };
  return {
    prediction: { type: config.prediction_type ?? "epsilon", from: file },
    zeroTerminalSnr: config.rescale_betas_zero_snr ?? null,
  };
}

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { openModelFolder } from "#lib/diffusion/model-folder.ts";
import { AppError } from "#lib/errors.ts";
import { readJson } from "#lib/util/read-json.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { notAsItIs } from "./describe.ts";
import {
  amountOf,
  blank,
  type Inspection,
  mergedMetadata,
  mergedTensors,
  type Part,
  partOf,
  type Tensors,
} from "./facts.ts";
import { familyOf } from "./family.ts";
import type { Prediction } from "./prediction.ts";
import { sentenceOf } from "./sentence.ts";
import { modelProblems } from "./whole.ts";

/** A folder with a model_index.json: all its networks, and whether they are together a model that runs. */
export async function inspectDiffusersFolder(path: string): Promise<Inspection> {
  const name = basename(path);
  const index = indexJson.safeParse(await readJson(join(path, "model_index.json"), `${name}/model_index.json`));
  if (!index.success)
    throw new AppError("bad_request", `${name}/model_index.json is not an index of components; download it again.`);

  const found: { part: Part; tensors: Tensors }[] = [];
  for (const component of componentsOf(index.data)) found.push(await readPart(path, component));
  const denoiser = found.find(({ part }) => part.name === "unet" || part.name === "transformer");
  const { weights, together } = await openModelFolder(path).then(modelProblems, (failure: unknown) => ({
    weights: null,
    together: [sentenceOf(failure)],
  }));
  const problems = [...(weights ?? []), ...together];
  const runs = problems.length === 0;
  return {
    ...blank,
    name,
    kind: "diffusers folder",
    form: index.data._class_name,
    family: denoiser?.part.family ?? null,
    ...amountOf(
      new Map(
        found.flatMap(({ part, tensors }) =>
          [...tensors].map(([tensor, entry]) => [`${part.name}/${tensor}`, entry] as const),
        ),
      ),
    ),
    prediction: await predictionFrom(path),
    parts: found.map(({ part }) => part),
    weightsFitConfig: weights && weights.length === 0,
    runs,
    whatRuns: runs ? "sample and check run it" : notAsItIs,
    problems,
  };
}

const indexJson = z.looseObject({ _class_name: z.string().max(200) });

interface Component {
  readonly name: string;
  readonly library: string;
}

/** The entries [library, class] that are networks; names are checked because they become paths. */
function componentsOf(index: Record<string, unknown>): Component[] {
  return Object.entries(index).flatMap(([name, value]): Component[] => {
    const [library, type] = z.tuple([z.string(), z.string()]).safeParse(value).data ?? [];
    const isNetwork =
      library !== undefined && type !== undefined && !/Tokenizer|Scheduler|Processor|FeatureExtractor/.test(type);
    return isNetwork && /^\w{1,60}$/.test(name) ? [{ name, library }] : [];
  });
}

async function readPart(folder: string, { name, library }: Component): Promise<{ part: Part; tensors: Tensors }> {
  const [path, shown] = [join(folder, name), `${basename(folder)}/${name}`];
  try {
    const files = await readComponentWeights(
      path,
      library === "transformers" ? "model" : "diffusion_pytorch_model",
      shown,
    );
    const tensors = mergedTensors(files);
    return {
      part: partOf(name, tensors, { family: familyOf(tensors)?.name ?? null, metadata: mergedMetadata(files) }),
      tensors,
    };
  } catch (failure) {
    const [sentence, graph] = [
      sentenceOf(failure),
      (await readdir(path).catch(() => [])).find((file) => file.endsWith(".onnx")),
    ];
    const refusal = `${shown} holds ${graph}, and ONNX files are refused: a graph is code; give the folder that has safetensors files.`;
    return { part: partOf(name, new Map(), { problem: graph ? refusal : sentence }), tensors: new Map() };
  }
}

const schedulerJson = z.looseObject({
  _class_name: z.string().optional(),
  prediction_type: z.string().max(60).optional(),
});

/** As diffusers reads it: where the scheduler is silent, and no flow-matching one, the network predicts ε. */
async function predictionFrom(folder: string): Promise<Prediction | null> {
  const file = "scheduler/scheduler_config.json";
  const config = schedulerJson.safeParse(await readJson(join(folder, file), file).catch(() => null)).data;
  if (!config || /FlowMatch/.test(config._class_name ?? "")) return null;
  return { type: config.prediction_type ?? "epsilon", from: file };
}

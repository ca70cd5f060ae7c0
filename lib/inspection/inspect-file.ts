import { basename } from "node:path";
import { AppError } from "#lib/errors.ts";
import { type ByteSource, openFile } from "#lib/weights/byte-source.ts";
import type { Model } from "#lib/diffusion/model.ts";
import { predictionFromBias, predictionOf, type Prediction, SD2_TELLING_BIAS } from "#lib/families/prediction.ts";
import { recogniseSingleFile, UNET_PREFIX } from "#lib/families/single-file.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { isFloat, readTensor } from "#lib/weights/read-tensor.ts";
import { nonFiniteTensor } from "#lib/weights/non-finite-tensor.ts";
import { readHeader, type SafetensorsHeader } from "#lib/weights/safetensors.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { describeFile } from "./describe.ts";
import { inspectGguf } from "./gguf.ts";
import type { Inspection } from "./inspection.ts";
import { readAlphas } from "./low-rank-facts.ts";
import { sentenceOf } from "./sentence.ts";
import { triggersBeside } from "./sidecars.ts";
import { notAsItIs } from "./what-runs.ts";
import { networkProblems } from "./whole.ts";

/** What a file is, and the model that a checkpoint which runs holds: read once, for whoever asks more of it. */
export interface FileLook {
  readonly inspection: Inspection;
  readonly model: Model | null;
}

/**
 * Says what a file is, and no more than its header and a few numbers are read. `name` is how messages name it.
 *
 * @throws AppError for a file that is no safetensors file at all
 */
export const inspectFile = async (given: string, name = basename(given)): Promise<Inspection> =>
  (await lookIntoFile(given, name)).inspection;

export async function lookIntoFile(given: string, name = basename(given)): Promise<FileLook> {
  const source = await openFile(given, name);
  try {
    if (isGguf(name)) return { inspection: await inspectGguf(source), model: null };
    const file = await headerOf(source, source.path);
    const { header } = file;
    const inspection = describeFile(file, {
      prediction: await readTellingBias(source, header),
      alphas: await readAlphas(source, header),
      triggers: await triggersBeside(given),
    });
    if (!inspection.runs) return { inspection, model: null };
    if (inspection.kind === "single-file checkpoint") return await heldAgainstConfigs(inspection, source, file);
    if (inspection.kind === "low-rank fine-tune")
      return { inspection: orProblem(inspection, await layersProblem(given)), model: null };
    const problem = inspection.kind === "guide" ? await valuesProblem(source, header) : null;
    return { inspection: orProblem(inspection, problem), model: null };
  } finally {
    await source.close();
  }
}

/** The same of bytes that lie elsewhere: the header alone is read, and of an SD 2.x the numbers that tell what it predicts. */
export async function lookIntoSource(source: ByteSource): Promise<FileLook> {
  if (isGguf(source.name)) return { inspection: await inspectGguf(source), model: null };
  const file = await headerOf(source, source.name);
  const inspection = describeFile(file, { prediction: await readTellingBias(source, file.header) });
  const isHeld = inspection.runs && inspection.kind === "single-file checkpoint";
  return isHeld ? heldAgainstConfigs(inspection, source, file) : { inspection, model: null };
}

const isGguf = (name: string): boolean => /\.gguf$/i.test(name);

const headerOf = async (source: ByteSource, path: string): Promise<WeightsFile> => ({
  name: source.name,
  path,
  header: await readHeader(source).catch((failure: unknown) => refuseGraph(source, failure)),
});

/** Of an SD 2.x whose names and metadata do not say what it predicts: 320 numbers do. */
async function readTellingBias(source: ByteSource, header: SafetensorsHeader): Promise<Prediction | null> {
  const { metadata, tensors } = header;
  const entry = tensors.get(UNET_PREFIX + SD2_TELLING_BIAS);
  if (!entry || sizeOf(entry.shape) > MAX_BIAS || !isFloat(entry.dtype) || predictionOf(metadata, tensors)) return null;
  const file = recogniseSingleFile(tensors);
  const isAsked = file?.family?.id === "sd2" && file.found?.runs === true;
  return isAsked ? predictionFromBias((await readTensor(source, entry)).data) : null;
}

/** A checkpoint is one that runs if the networks that its family's configs call for are in it, tensor by tensor. */
async function heldAgainstConfigs(inspection: Inspection, source: ByteSource, file: WeightsFile): Promise<FileLook> {
  const { singleFileModel } = await import("#lib/diffusion/single-file.ts");
  const model = await singleFileModel(source, file, null).catch(sentenceOf);
  const { weights, together } =
    typeof model === "string" ? { weights: null, together: [model] } : networkProblems(model);
  const problems = [...inspection.problems, ...(weights ?? []), ...together];
  const fits = weights && weights.length === 0;
  if (fits && together.length === 0 && typeof model !== "string")
    return { inspection: { ...inspection, weightsFitConfig: true }, model };
  const refused = { ...inspection, weightsFitConfig: fits, problems, runs: false, whatRuns: notAsItIs };
  return { inspection: refused, model: null };
}

const MAX_BIAS = 8192;

const orProblem = (inspection: Inspection, problem: string | null): Inspection =>
  problem === null
    ? inspection
    : { ...inspection, problems: [...inspection.problems, problem], runs: false, whatRuns: notAsItIs };

/** Whether its layers can be added is for those to say who add them. */
async function layersProblem(path: string): Promise<string | null> {
  const { readAdapter } = await import("#lib/weights/adapters/read-adapter.ts");
  return readAdapter(path, 1).then(() => null, sentenceOf);
}

/** A guide is small enough to be read whole, and one bad number spoils every picture. */
async function valuesProblem(source: ByteSource, header: SafetensorsHeader): Promise<string | null> {
  const tensor = await nonFiniteTensor(source, header);
  return (
    tensor &&
    `${source.name}: the tensor "${tensor}" holds NaN or infinity; go back to a checkpoint that does not, and save it again.`
  );
}

/**
 * ONNX is protobuf without a magic number: field 1, a small version of the format, then another field of ModelProto.
 */
async function refuseGraph(source: ByteSource, failure: unknown): Promise<never> {
  if (failure instanceof AppError && failure.detail["defect"] === "header_too_long") {
    const [field = 0, version = 0, next = 0] = await source.read(0, 3);
    if (field === 0x08 && version <= 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(next)) {
      throw new AppError(
        "unsupported_model",
        `${source.name} is an ONNX file, and those are refused: a graph is code; give the model's safetensors files.`,
        {},
        failure,
      );
    }
  }
  throw failure;
}

import { basename } from "node:path";
import { AppError } from "#lib/errors.ts";
import { readAdapter } from "#lib/weights/adapters/read-adapter.ts";
import { type FileSource, openFile } from "#lib/weights/byte-source.ts";
import { predictionFromBias, type Prediction, SD2_TELLING_BIAS } from "#lib/families/prediction.ts";
import { recogniseSingleFile, UNET_PREFIX } from "#lib/families/single-file.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { nonFiniteTensor } from "#lib/weights/non-finite-tensor.ts";
import { readHeader, type SafetensorsHeader } from "#lib/weights/safetensors.ts";
import { describeFile } from "./describe.ts";
import { inspectGguf } from "./gguf.ts";
import type { Inspection } from "./inspection.ts";
import { readAlphas } from "./low-rank-facts.ts";
import { sentenceOf } from "./sentence.ts";
import { triggersBeside } from "./sidecars.ts";
import { notAsItIs } from "./what-runs.ts";

/**
 * Says what a file is, and no more than its header and a few numbers are read. `name` is how messages name it.
 *
 * @throws AppError for a file that is no safetensors file at all
 */
export async function inspectFile(given: string, name = basename(given)): Promise<Inspection> {
  const source = await openFile(given, name);
  try {
    if (/\.gguf$/i.test(name)) return await inspectGguf(source);
    const header = await readHeader(source).catch((failure: unknown) => refuseGraph(source, failure));
    const inspection = describeFile(
      { name, path: source.path, header },
      {
        prediction: await readTellingBias(source, header),
        alphas: await readAlphas(source, header),
        triggers: await triggersBeside(given),
      },
    );
    if (!inspection.runs) return inspection;
    if (inspection.kind === "low-rank fine-tune") return orProblem(inspection, await layersProblem(given));
    return inspection.kind === "guide" ? orProblem(inspection, await valuesProblem(source, header)) : inspection;
  } finally {
    await source.close();
  }
}

/** Of an SD 2.x whose names and metadata do not say what it predicts: 320 numbers do. */
async function readTellingBias(source: FileSource, { tensors }: SafetensorsHeader): Promise<Prediction | null> {
  const file = recogniseSingleFile(tensors);
  const entry = tensors.get(UNET_PREFIX + SD2_TELLING_BIAS);
  const isPlain = entry && sizeOf(entry.shape) <= MAX_BIAS && /^(B?F16|F32)$/.test(entry.dtype);
  if (file?.family?.id !== "sd2" || !file.found!.runs || !isPlain) return null;
  return predictionFromBias((await readTensor(source, entry)).data);
}

const MAX_BIAS = 8192;

const orProblem = (inspection: Inspection, problem: string | null): Inspection =>
  problem === null
    ? inspection
    : { ...inspection, problems: [...inspection.problems, problem], runs: false, whatRuns: notAsItIs };

/** Whether its layers can be added is for those to say who add them. */
const layersProblem = (path: string): Promise<string | null> => readAdapter(path, 1).then(() => null, sentenceOf);

/** A guide is small enough to be read whole, and one bad number spoils every picture. */
async function valuesProblem(source: FileSource, header: SafetensorsHeader): Promise<string | null> {
  const tensor = await nonFiniteTensor(source, header);
  return (
    tensor &&
    `${source.name}: the tensor "${tensor}" holds NaN or infinity; go back to a checkpoint that does not, and save it again.`
  );
}

/** ONNX is protobuf without a magic number: field 1, a small version of the format, then another field of ModelProto. */
async function refuseGraph(source: FileSource, failure: unknown): Promise<never> {
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

import type { TextEncoderComponent } from "#lib/diffusion/model.ts";
import { openTextEncoder } from "#lib/diffusion/text-encoder.ts";
import { lastStates } from "#lib/diffusion/text-encoder-graph.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { AppError } from "#lib/errors.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { type Folder, readJsonIn } from "#lib/weights/folder.ts";
import { clipNaming, clipVisionNaming } from "#lib/weights/names/clip.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { type ClipConfig, parseClipConfig } from "./clip-config.ts";
import { parsePreprocessing, preprocess, type Preprocessing } from "./preprocessing.ts";
import { visionGraph } from "./vision-graph.ts";

/** A whole CLIP in the transformers layout, with every header and config read and no weight but one touched. */
export interface ClipFiles {
  readonly name: string;
  readonly config: ClipConfig;
  readonly preprocessing: Preprocessing;
  readonly text: TextEncoderComponent;
  readonly vision: WeightMap;
  /** What transformers multiplies cosines with: e^`logit_scale`. */
  readonly logitScale: number;
}

/** Pictures and texts as rows of length 1, of which the scalar product is their cosine. */
export interface Clip {
  /** [B, projection] */
  embedPictures(pictures: readonly Picture[]): Promise<FloatTensor>;
  /** `cut` says of which texts the tail was left out, since CLIP reads no more. */
  embedTexts(texts: readonly string[]): Promise<{ readonly embeddings: FloatTensor; readonly cut: readonly boolean[] }>;
  close(): Promise<void>;
}

/** @throws file_not_found, unsupported_model, weights_mismatch, malformed_weights */
export async function readClip(folder: Folder): Promise<ClipFiles> {
  const { name } = folder;
  const names = await folder.names();
  requireLayout(name, names);
  const config = parseClipConfig(await readJsonIn(folder, "config.json"), `${name}/config.json`);
  if (!names.includes("preprocessor_config.json")) {
    const sentence = `${name} has no preprocessor_config.json, which says how pictures are made ready for CLIP`;
    throw new AppError("file_not_found", `${sentence}; download it too.`, { path: folder.locate("") });
  }
  const shown = `${name}/preprocessor_config.json`;
  const preprocessing = parsePreprocessing(await readJsonIn(folder, "preprocessor_config.json"), shown);
  requireSize(preprocessing, config, shown);
  const files = await readComponentWeights(folder, "model");
  requireBothTowers(name, files);
  const text = new WeightMap(`${name}, CLIP's text encoder`, files, clipNaming);
  return {
    name,
    config,
    preprocessing,
    text: {
      config: config.text,
      weights: text,
      files,
      openTokenizer: () => openTokenizer(folder, config.text.maxTokens),
    },
    vision: new WeightMap(`${name}, CLIP's vision tower`, files, clipVisionNaming),
    logitScale: await readLogitScale(name, files),
  };
}

export async function openClip(files: ClipFiles, runtime: Runtime): Promise<Clip> {
  const { config, preprocessing, vision } = files;
  await using opening = new AsyncDisposableStack();
  const tokenizer = await files.text.openTokenizer();
  const text = await openTextEncoder(files.text, [], tokenizer, lastStates, runtime);
  opening.adopt(text, (one) => one.close());
  const graph = visionGraph(config, externalParameters(vision));
  vision.requireAllTaken();
  const session: Session<"embedding"> = await openSession(graph, runtime);
  opening.adopt(session, (one) => one.close());
  const opened = opening.move();
  return {
    async embedPictures(pictures) {
      const pixels = concat(pictures.map((picture) => preprocess(picture, preprocessing)));
      const whole = tensor(new Int32Array(pictures.length), [pictures.length, 1]);
      return unitRows((await session.run({ pixels, whole })).embedding);
    },
    async embedTexts(texts) {
      const encoded = texts.map((one) => tokenizer.encode(one));
      const embeddings: FloatTensor[] = [];
      for (let begin = 0; begin < texts.length; begin += TEXTS_AT_ONCE) {
        const part = encoded.slice(begin, begin + TEXTS_AT_ONCE);
        const ids = tensor(Int32Array.from(part.flatMap((one) => [...one.ids])), [part.length, tokenizer.maxTokens]);
        embeddings.push(unitRows((await text.encode(ids)).pooled!));
      }
      return { embeddings: concat(embeddings), cut: encoded.map(({ cut }) => cut) };
    },
    close: () => opened.disposeAsync(),
  };
}

/** However many there are, so that memory does not grow with them. */
export const TEXTS_AT_ONCE = 16;

/** The cosine of each row of one with the same row of the other. */
export const cosinesOf = (one: FloatTensor, other: FloatTensor): number[] =>
  Array.from({ length: one.shape[0]! }, (_, row) => {
    const [a, b] = [rows(one, row, row + 1).data, rows(other, row, row + 1).data];
    return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  });

function unitRows(x: FloatTensor): FloatTensor {
  const [count, width] = x.shape as [number, number];
  const data = x.data.slice();
  for (let row = 0; row < count; row++) {
    const one = data.subarray(row * width, (row + 1) * width);
    const norm = Math.sqrt(one.reduce((sum, value) => sum + value * value, 0));
    one.forEach((value, i) => (one[i] = value / norm));
  }
  return tensor(data, x.shape);
}

function requireLayout(name: string, names: readonly string[]): void {
  if (names.includes("config.json") || !names.some((one) => one.startsWith("open_clip"))) return;
  const sentence = `${name} is in the layout of open_clip, which does not run here`;
  throw new AppError(
    "unsupported_model",
    `${sentence}; give the same model in the transformers layout, with a config.json.`,
  );
}

/** Where it is not known beforehand that pictures come out at the size that the vision tower reads, it is refused. */
function requireSize({ resize, crop }: Preprocessing, { vision }: ClipConfig, shown: string): void {
  const resized = resize && "height" in resize.to ? resize.to : null;
  const made = crop ?? resized;
  if (made?.height === vision.imageSize && made.width === vision.imageSize) return;
  const size = made ? `${made.width} × ${made.height} px` : "no certain size";
  throw new AppError(
    "unsupported_model",
    `${shown} makes pictures of ${size} where the vision tower reads ${vision.imageSize} × ${vision.imageSize}; use the one that came with the model.`,
  );
}

function requireBothTowers(name: string, files: readonly WeightsFile[]): void {
  const has = (prefix: string): boolean =>
    files.some(({ header }) => header.tensors.keys().some((tensor) => tensor.startsWith(prefix)));
  const lacking = ["vision_model.", "text_model."].find((prefix) => !has(prefix));
  if (!lacking) return;
  const found = lacking === "vision_model." ? "its text encoder alone, without a vision tower" : "no text encoder";
  throw new AppError(
    "weights_mismatch",
    `${name} describes a whole CLIP and holds ${found}; give the folder of a whole CLIPModel.`,
  );
}

async function readLogitScale(name: string, files: readonly WeightsFile[]): Promise<number> {
  for (const { path, header } of files) {
    const entry = header.tensors.get("logit_scale");
    if (!entry) continue;
    const source = await openFile(path);
    try {
      const { data } = await readTensor(source, entry);
      const scale = Math.exp(data[0] ?? NaN);
      if (data.length === 1 && Number.isFinite(scale)) return scale;
      throw new AppError("weights_mismatch", `${name}: the tensor "logit_scale" is not one number; download it again.`);
    } finally {
      await source.close();
    }
  }
  const sentence = `${name} lacks the tensor "logit_scale"`;
  throw new AppError("weights_mismatch", `${sentence}; give the folder of a whole CLIPModel.`);
}

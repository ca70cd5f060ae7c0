import type { TextEncoderComponent } from "#lib/diffusion/model.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { AppError } from "#lib/errors.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { type Folder, readJsonIn } from "#lib/weights/folder.ts";
import { clipNaming, clipVisionNaming } from "#lib/weights/names/clip.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { type ClipConfig, parseClipConfig } from "./clip-config.ts";
import { parsePreprocessing, type Preprocessing } from "./preprocessing.ts";

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

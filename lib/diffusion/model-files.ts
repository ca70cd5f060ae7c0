import { AppError } from "#lib/errors.ts";
import { structureMismatches, type UNetSignature } from "#lib/pairing/signature.ts";
import type { FileRole } from "#lib/picture/recipe.ts";
import { type AdapterFile, readAdapter, requireNetworks } from "#lib/weights/adapters/read-adapter.ts";
import { type GuideFile, readGuideFile } from "./guide-network.ts";
import { type Embedding, type EmbeddingChoice, readEmbedding, requireWords } from "./learned-words.ts";
import { type Model, networksOf, partMismatches } from "./model.ts";
import { openModel } from "./open-model.ts";

export interface LowRankChoice {
  readonly path: string;
  readonly strength: number;
  /** That of the text encoders, where it is another one. */
  readonly textStrength?: number;
}

export interface ModelChoice {
  /** A diffusers folder, or a single-file checkpoint. */
  readonly model: string;
  /** A diffusers folder that describes the networks of a single file; left out for what its family is published with. */
  readonly config?: string | null;
  readonly lowRank: readonly LowRankChoice[];
  readonly guide: string | null;
  /** Textual inversions; none where nothing is said. */
  readonly embeddings?: readonly EmbeddingChoice[];
}

/** A model as someone put it together: headers and configs read and known to fit, nothing opened yet. */
export interface ModelFiles {
  readonly model: Model;
  readonly lowRank: readonly AdapterFile[];
  readonly guide: GuideFile | null;
  readonly embeddings: readonly Embedding[];
}

export interface UsedFile {
  readonly role: FileRole;
  readonly name: string;
  readonly path: string;
  readonly strength?: number;
  readonly textStrength?: number;
  /** Of a textual inversion, where it is another than the file's own. */
  readonly word?: string;
}

export async function readModelFiles({
  model: path,
  config,
  lowRank,
  guide,
  embeddings = [],
}: ModelChoice): Promise<ModelFiles> {
  const model = await openModel(path, config ?? null);
  const [mismatch] = partMismatches(model);
  if (mismatch) throw new AppError("unsupported_model", mismatch);
  const files: ModelFiles = {
    model,
    lowRank: await Promise.all(
      lowRank.map(({ path, strength, textStrength = strength }) =>
        readAdapter(path, { unet: strength, textEncoder: textStrength, textEncoder2: textStrength }),
      ),
    ),
    guide: guide === null ? null : await readGuideFile(guide),
    embeddings: await Promise.all(embeddings.map(readEmbedding)),
  };
  requireWords(files.embeddings, model);
  for (const adapter of files.lowRank) requireNetworks(adapter, networksOf(model));
  if (files.guide) requireFits(files.guide, model);
  return files;
}

/** Every file that decides the picture, by what it is for. */
export function usedFiles({ model, lowRank, guide, embeddings }: ModelFiles): UsedFile[] {
  const of = (role: FileRole, files: readonly { readonly name: string; readonly path: string }[]): UsedFile[] =>
    files.map(({ name, path }) => ({ role, name, path }));
  const isOneFile = model.vae.files[0]?.path === model.unet.files[0]?.path;
  const networks = isOneFile
    ? of("checkpoint", model.unet.files)
    : [
        ...of("unet", model.unet.files),
        ...model.textEncoders.flatMap(({ files }) => of("textEncoder", files)),
        ...of("vae", model.vae.files),
      ];
  return [
    ...networks,
    ...model.settings,
    ...lowRank.map(({ file: { name, path }, strength, strengths: { textEncoder } }): UsedFile => ({
      role: "lora",
      name,
      path,
      strength,
      ...(textEncoder !== strength && { textStrength: textEncoder }),
    })),
    ...embeddings.map(({ file: { name, path }, word }): UsedFile => ({
      role: "embedding",
      name,
      path,
      ...(word !== undefined && { word }),
    })),
    ...(guide ? of("guide", [guide.file]) : []),
  ];
}

export const signatureOf = ({ unet: { config }, schedule }: Model): UNetSignature => ({
  ...config,
  predictionType: schedule.predictionType,
});

function requireFits(guide: GuideFile, model: Model): void {
  const reasons = structureMismatches(guide.config.base, signatureOf(model));
  if (reasons.length === 0) return;
  throw new AppError(
    "pair_does_not_fit",
    `The guide ${guide.file.name} does not fit ${model.name} (${reasons.join("; ")}); choose a guide made for this model's base.`,
    { reasons },
  );
}

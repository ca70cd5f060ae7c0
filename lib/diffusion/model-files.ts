import { basename, dirname, join, sep } from "node:path";
import { AppError } from "#lib/errors.ts";
import { structureMismatches, type UNetSignature } from "#lib/pairing/signature.ts";
import type { FileRole } from "#lib/picture/recipe.ts";
import { type LowRankFile, readLowRankFile } from "#lib/weights/low-rank.ts";
import { type GuideFile, readGuideFile } from "./guide-network.ts";
import { type ModelFolder, openModelFolder } from "./model-folder.ts";

export interface LowRankChoice {
  readonly path: string;
  readonly strength: number;
}

export interface ModelChoice {
  readonly model: string;
  readonly lowRank: readonly LowRankChoice[];
  readonly guide: string | null;
}

/** A model as someone put it together: headers and configs read and known to fit, nothing opened yet. */
export interface ModelFiles {
  readonly folder: ModelFolder;
  readonly lowRank: readonly LowRankFile[];
  readonly guide: GuideFile | null;
}


export interface UsedFile {
  readonly role: FileRole;
  readonly name: string;
  readonly path: string;
  readonly strength?: number;
}

export async function readModelFiles({ model, lowRank, guide }: ModelChoice): Promise<ModelFiles> {
  const folder = await openModelFolder(model);
  const files: ModelFiles = {
    folder,
    lowRank: await Promise.all(lowRank.map(({ path, strength }) => readLowRankFile(path, strength))),
    guide: guide === null ? null : await readGuideFile(guide),
  };
  if (files.guide) requireFits(files.guide, folder);
  return files;
}

/** Every file that decides the picture, by what it is for. */
export function usedFiles({ folder, lowRank, guide }: ModelFiles): UsedFile[] {
  const of = (role: FileRole, paths: readonly string[]): UsedFile[] => paths.map((path) => ({ role, name: nameIn(folder, path), path }));
  return [
    ...of("unet", folder.unet.files.map(({ path }) => path)),
    ...of("textEncoder", folder.textEncoder.files.map(({ path }) => path)),
    ...of("vae", folder.vae.files.map(({ path }) => path)),
    ...of("config", folder.configPaths),
    ...of("schedule", [folder.schedulePath]),
    ...of("tokenizer", folder.tokenizerPaths),
    ...lowRank.map(({ file, strength }): UsedFile => ({ role: "lora", name: basename(file.path), path: file.path, strength })),
    ...(guide ? of("guide", [guide.file.path]) : []),
  ];
}

export const signatureOf = ({ unet: { config }, schedule }: ModelFolder): UNetSignature => ({ ...config, predictionType: schedule.predictionType });

function requireFits(guide: GuideFile, folder: ModelFolder): void {
  const reasons = structureMismatches(guide.config.base, signatureOf(folder));
  if (reasons.length === 0) return;
  throw new AppError("pair_does_not_fit", `The guide ${guide.name} does not fit ${folder.name} (${reasons.join("; ")}); choose a guide made for this model's base.`, { reasons });
}

/** "unet/diffusion_pytorch_model.safetensors": where the file lies in its folder, without saying where the folder lies. */
const nameIn = (folder: ModelFolder, path: string): string => {
  if (path.startsWith(folder.path + sep)) return path.slice(folder.path.length + 1);
  return join(basename(dirname(path)), basename(path)); // a guide is mostly called guide.safetensors; its folder says which
};

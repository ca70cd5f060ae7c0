import { realpath, stat } from "node:fs/promises";
import { type CoarsePicture, fitCoarsePicture } from "#lib/diffusion/coarse-picture.ts";
import { type GuideNetwork, openGuide } from "#lib/diffusion/guide-network.ts";
import { type ModelFiles, usedFiles } from "#lib/diffusion/model-files.ts";
import { type LatentSize, openPipeline, type Pipeline, unetParts } from "#lib/diffusion/pipeline.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { FileRole, Recipe } from "#lib/picture/recipe.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { tensorsSha256 } from "#lib/weights/tensors-sha256.ts";

export interface OpenModel {
  readonly pipeline: Pipeline;
  /** Whether all of it was open already. */
  readonly warm: boolean;
  coarsePicture(): Promise<CoarsePicture>;
  /** Every file that decides the picture, hashed. */
  hashedFiles(): Promise<Recipe["files"]>;
}

/**
 * What this process keeps open between two jobs: one model at one size, and the last guide that went with it. The model is the same
 * while its files are; a guide is opened when a mode needs it and gives way to the next, with the model left open.
 */
let kept: {
  readonly model: string;
  readonly pipeline: Pipeline;
  guide: { readonly key: string; readonly network: GuideNetwork } | null;
  coarse: CoarsePicture | null;
} | null = null;
let hashes = new Map<string, Hashes>();

/** Opens a model for one job; without `files.guide` the job needs none. */
export async function openModel(files: ModelFiles, size: LatentSize, runtime: Runtime): Promise<OpenModel> {
  const used = await Promise.all(usedFiles(files).map(async (file) => ({ ...file, key: await contentKey(file.path) })));
  const [guides, parts] = [used.filter(({ role }) => role === "guide"), used.filter(({ role }) => role !== "guide")];
  const model = JSON.stringify([runtime, size, parts.map(({ role, key, strength }) => [role, key, strength])]);
  const guideKey = JSON.stringify(guides.map(({ key }) => key));
  const warm = kept?.model === model && (files.guide === null || kept.guide?.key === guideKey);

  if (kept?.model !== model) {
    await closeKept();
    kept = { model, pipeline: await openPipeline({ ...files, guide: null }, size, runtime), guide: null, coarse: null };
  }
  const open = kept;
  if (files.guide && open.guide?.key !== guideKey) {
    await open.guide?.network.close();
    open.guide = null;
    open.guide = { key: guideKey, network: await openGuide(files.guide, unetParts(files, size), runtime) };
  }
  return {
    pipeline: { ...open.pipeline, files, guide: files.guide && open.guide!.network },
    warm,
    coarsePicture: async () => (open.coarse ??= await fitCoarsePicture(files.folder.vae, runtime)),
    hashedFiles: async () => {
      const known = hashes;
      hashes = new Map(
        await Promise.all(
          used.map(async ({ key, path, role }): Promise<[string, Hashes]> => [
            key,
            known.get(key) ?? (await hashesOf(path, role)),
          ]),
        ),
      );
      return used.map(({ path: _path, key, ...file }) => ({ ...file, ...hashes.get(key)! }));
    },
  };
}

type Hashes = Pick<Recipe["files"][number], "sha256" | "tensorsSha256">;

async function hashesOf(path: string, role: FileRole): Promise<Hashes> {
  const sha256 = await sha256OfFile(path);
  if (role !== "lora") return { sha256 };
  const source = await openFile(path);
  try {
    return { sha256, tensorsSha256: await tensorsSha256(source) };
  } finally {
    await source.close();
  }
}

async function closeKept(): Promise<void> {
  const closing = kept;
  kept = null;
  await closing?.guide?.network.close();
  await closing?.pipeline.close();
}

/** The same for two paths that lead to the same bytes, whatever links they go through. */
async function contentKey(path: string): Promise<string> {
  const [real, { size, mtimeMs, ino }] = await Promise.all([realpath(path), stat(path)]);
  return `${real} ${ino} ${size} ${mtimeMs}`;
}

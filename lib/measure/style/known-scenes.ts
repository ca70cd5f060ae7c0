import { fileURLToPath } from "node:url";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { knownStyle } from "../known-styles.ts";

/** Pictures whose content is known, since they were rendered. */
export interface KnownScenes {
  /** What each shows, whole and true. */
  readonly captions: readonly string[];
  /** [n, 4, 16, 16], scaled. */
  readonly latents: FloatTensor;
}

/** The style in which they were rendered. */
const RENDERED_IN = "storybook";

export const scenesPath = fileURLToPath(new URL("scenes.safetensors", import.meta.url));

/** Of the base that draws just so, and whose VAE they were encoded with; null for every other: nobody has rendered scenes in its style. */
export async function knownScenesOf(base: Pick<ModelFiles, "model" | "lowRank">): Promise<KnownScenes | null> {
  if ((await knownStyle(base)) !== RENDERED_IN) return null;
  const source = await openFile(scenesPath);
  try {
    const { metadata, tensors } = await readHeader(source);
    return {
      captions: JSON.parse(metadata.get("captions")!) as string[],
      latents: await readTensor(source, tensors.get("latents")!),
    };
  } finally {
    await source.close();
  }
}

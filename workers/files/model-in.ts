import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Where a model lies, as whoever opens it takes it. */
export interface ModelPlace {
  /** A diffusers folder, or a single-file checkpoint. */
  readonly model: string;
  /** The folder of the configs that describe a single file's networks; null where none lies beside it. */
  readonly config: string | null;
}

/** A single file's configs lie beside it as a diffusers folder has them. */
const TELLING_CONFIG = join("unet", "config.json");

/**
 * The model in a folder: the folder itself, or the one weights file at its top where no `model_index.json` says what
 * the folder is. Several files at the top are nobody's guess: the folder is then what whoever opens it complains of.
 */
export async function modelIn(folder: string): Promise<ModelPlace> {
  const names = await readdir(folder);
  const [file, ...others] = names.filter((name) => name.endsWith(".safetensors"));
  if (names.includes("model_index.json") || file === undefined || others.length > 0)
    return { model: folder, config: null };
  const hasConfigs = await stat(join(folder, TELLING_CONFIG)).then(
    () => true,
    () => false,
  );
  return { model: join(folder, file), config: hasConfigs ? folder : null };
}

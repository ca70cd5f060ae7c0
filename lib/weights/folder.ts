import { AppError } from "#lib/errors.ts";
import { parseJson } from "#lib/util/parse-json.ts";
import type { FileSource } from "./byte-source.ts";

/** A folder of a model, wherever it lies: on a disk today; what a browser was given, or a bucket, can be one later. */
export interface Folder {
  /** How messages name it. */
  readonly name: string;
  /** Where the runtime, and who hashes files, find a file of it. */
  locate(file: string): string;
  /** A folder in it, be it there or not. */
  folder(name: string): Folder;
  /** The names of what lies directly in it; none where there is no such folder. @throws bad_request, where it may not be read */
  names(): Promise<readonly string[]>;
  /** Opens a file that lies directly in it. @throws file_not_found, bad_request */
  open(file: string): Promise<FileSource>;
}

/** Published configs have some kilobytes. Of a million keys one would take minutes to look through, and a gigabyte. */
export const MOST_CONFIG_BYTES = 2 ** 20;

/** A JSON file of a folder. @throws file_not_found, bad_request; unsupported_model for one that is too large */
export async function readJsonIn(folder: Folder, file: string, most = MOST_CONFIG_BYTES): Promise<unknown> {
  const shown = `${folder.name}/${file}`;
  const text = await readTextIn(folder, file, { most, what: "a configuration file" });
  if (text === null) {
    const sentence = `${shown} is missing or cannot be read; check the path.`;
    throw new AppError("file_not_found", sentence, { path: folder.locate(file) });
  }
  return parseJson(text, shown);
}

/** How many bytes are read, and what a larger file is not. */
interface TextLimit {
  readonly most: number;
  readonly what: string;
}

/** The text of a file of a folder; null where there is none of that name. @throws unsupported_model for one that is too large */
export async function readTextIn(folder: Folder, file: string, { most, what }: TextLimit): Promise<string | null> {
  if (!(await folder.names()).includes(file)) return null;
  const source = await folder.open(file);
  try {
    if (source.size <= most) return new TextDecoder().decode(await source.read(0, source.size));
    const sentence = `${folder.name}/${file} is not ${what} (${source.size} bytes)`;
    throw new AppError("unsupported_model", `${sentence}; use the one that came with the model.`, {
      size: source.size,
    });
  } finally {
    await source.close();
  }
}

import { readFile, stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import { parseJson } from "./parse-json.ts";

const MAX_BYTES = 2 ** 20; // published ones have some kilobytes; of a million keys one takes minutes and a gigabyte

/** Parses a JSON file. `shown` is how messages name it. */
export async function readJson(path: string, shown: string): Promise<unknown> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${shown} is missing or cannot be read; check the path.`, { path }, cause);
  });
  if (!facts.isFile() || facts.size > MAX_BYTES)
    throw new AppError(
      "bad_request",
      `${shown} is not a configuration file (${facts.size} bytes); give the one that came with the model.`,
      { path },
    );
  return parseJson(await readFile(path, "utf8"), shown);
}

import { readFile, stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";

const MAX_BYTES = 2 ** 20;

/** One prompt a line; empty lines are left out. `shown` is how messages name the file. */
export async function readPrompts(path: string, shown = path): Promise<string[]> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `There is no prompts file ${shown}; check the path.`, { path }, cause);
  });
  if (!facts.isFile() || facts.size > MAX_BYTES)
    throw new AppError(
      "bad_request",
      `${shown} is not a list of prompts (${facts.size} bytes, at most ${MAX_BYTES} are read); write one prompt a line.`,
      { path },
    );
  const prompts = (await readFile(path, "utf8"))
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (prompts.length === 0) throw new AppError("bad_request", `${shown} holds no prompts; write one a line.`, { path });
  return prompts;
}

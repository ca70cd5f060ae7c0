import { AppError } from "#lib/errors.ts";

/** Python's json writes infinities bare, and diffusers saves one in every DPM-Solver config: they are read as null. */
export function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text.replaceAll(/(?<=:\s*)-?Infinity(?=\s*[,}])/g, "null"));
  } catch (cause) {
    throw new AppError("bad_request", `${shown} is not valid JSON; download it again.`, {}, cause);
  }
}

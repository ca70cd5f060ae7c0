import { AppError } from "#lib/errors.ts";

/** Python's json writes infinities bare, and diffusers saves one in every DPM-Solver config: they are read as null. */
export function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text.includes("Infinity") ? withoutInfinities(text) : text);
  } catch (cause) {
    throw new AppError("bad_request", `${shown} is not valid JSON; download it again.`, {}, cause);
  }
}

/** In one pass, for it is a stranger's text: what stands within quotes is left as it is. */
function withoutInfinities(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const begin = quote === -1 ? text.length : quote;
    pieces.push(text.slice(at, begin).replaceAll(/-?Infinity/g, "null"));
    let end = begin + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    pieces.push(text.slice(begin, end + 1));
    at = end + 1;
  }
  return pieces.join("");
}

/** Of a file of Markdown; the rest is not shown. */
export const MAX_MARKDOWN_BYTES = 256 * 1024;

/** A file of Markdown in its two halves. */
export interface Halves {
  /** Its front matter; null where it has none. */
  readonly yaml: string | null;
  readonly text: string;
  readonly isCut: boolean;
  readonly warnings: readonly string[];
}

/** @param bytes the first of the file, one more than are shown where it goes on */
export function splitMarkdown(bytes: Uint8Array): Halves {
  const isCut = bytes.byteLength > MAX_MARKDOWN_BYTES;
  const whole = decode(bytes.subarray(0, MAX_MARKDOWN_BYTES));
  if (whole === null)
    return { yaml: null, text: "", isCut, warnings: ["The file is not UTF-8 text; save it as UTF-8."] };
  const [, yaml, text] = /^---[ \t]*\r?\n([^]*?)(?<=\n)---[ \t]*(?:\r?\n([^]*))?$/.exec(whole) ?? [];
  if (yaml === undefined) return { yaml: null, text: whole, isCut, warnings: [] };
  return { yaml, text: text ?? "", isCut, warnings: [] };
}

/** A cut may fall into a character; that is not the writer's fault. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: bytes.byteLength === MAX_MARKDOWN_BYTES });
  } catch {
    return null;
  }
}

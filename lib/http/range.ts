import { AppError } from "#lib/errors.ts";
import type { ByteRange } from "#lib/storage/store.ts";

/**
 * What a Range header asks for of `size` bytes (RFC 9110 §14.2). Null means all of it: there is no header, or one that a server
 * may ignore: another unit, several ranges, or one that makes no sense.
 *
 *   bytes=0-99   the first 100        bytes=100-   all from the 101st on        bytes=-100   the last 100
 *
 * By hand, for the package `range-parser` refuses with 416 what is to be served or ignored: “-500” of 100 bytes, “9-5”.
 *
 * @throws range_not_satisfiable when none of the bytes asked for is there
 */
export function parseRange(header: string | null, size: number): ByteRange | null {
  const [unit = "", set = "", ...more] = (header ?? "").split("=");
  const [first = "", last = "", ...others] = set.split("-").map((position) => position.trim());
  if (unit.toLowerCase() !== "bytes" || more.length > 0 || others.length > 0) return null;
  if (!isPosition(first) || !isPosition(last) || (first === "" && last === "")) return null;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;

  const begin = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (begin < end) return { begin, end };
  throw new AppError(
    "range_not_satisfiable",
    `The range “${header}” is not within the ${size} bytes of this file; ask for less.`,
    { size },
  );
}

const isPosition = (text: string): boolean => /^\d*$/.test(text);

/** Whether an If-None-Match header names this version: “*”, or one of its tags, weak ones too (RFC 9110 §13.1.2). `tag` is without quotes. */
export function matchesEtag(ifNoneMatch: string | null, tag: string): boolean {
  if (ifNoneMatch === null) return false;
  const named = new Set(ifNoneMatch.split(",").map((one) => one.trim().replace(/^W\//, "")));
  return named.has("*") || named.has(`"${tag}"`);
}

/**
 * Whether a Range counts: without If-Range, or when that names this very version. A weak tag or a date never does, for they do not
 * promise the same bytes (§13.1.5).
 */
export const mayUseRange = (ifRange: string | null, tag: string): boolean =>
  ifRange === null || ifRange.trim() === `"${tag}"`;

/** What a disk that does not tell capital letters from small ones takes a path for. */
const folded = (path: string): string => path.toUpperCase().toLowerCase().normalize("NFC");

/**
 * By what paths are ordered and found. Two that differ only in the case of letters have the same key. A folder's files come right after
 * the place where a file of its name would be: between folders stands a sign that sorts before all that a path may hold.
 */
export const keyOf = (path: string): string => folded(path).replaceAll("/", SEPARATOR);

export const SEPARATOR = "\u0001";

/** The keys of all that is in a folder begin with this. */
export const keysIn = (folder: string): string => (folder === "" ? "" : keyOf(folder) + SEPARATOR);

/** As PostgreSQL orders them, by their bytes; `<` would put 😀 before ﬀ. */
export const compareKeys = (a: string, b: string): number =>
  // Only surrogates are elsewhere in UTF-16 than in UTF-8, and few names have them.
  surrogates.test(a) || surrogates.test(b)
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : a < b
      ? -1
      : a > b
        ? 1
        : 0;

const surrogates = /[\ud800-\udfff]/;

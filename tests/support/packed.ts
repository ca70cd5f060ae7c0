import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** The text of a golden file that is committed compressed: large tables of names and numbers. */
export const readPacked = (path: string): string =>
  gunzipSync(readFileSync(new URL(`../golden/${path}.gz`, import.meta.url))).toString("utf8");

import { readFileSync } from "node:fs";
import { combinationOf, decodeHashes, hashOf } from "./word-hashes.ts";

let known: ReadonlySet<number> | undefined;

/**
 * Whether a caption's things occur together, in these very words, in a caption that the starter's models, guides and evaluator were trained on, or in
 * the public list of prompts. The file has the hash of each such combination; `node guidepost.js run bench/captions/make.ts` makes it.
 */
export function wasTrainedOn(caption: string, backgrounds: readonly string[]): boolean {
  known ??= decodeHashes(readFileSync(new URL("trained-words.bin", import.meta.url)));
  return known.has(hashOf(combinationOf(caption, backgrounds)));
}

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { combinationOf, encodeHashes, hashOf } from "#lib/measure/unseen/word-hashes.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import { starterPath } from "../starter-path.ts";
import { distilledOn, trainedWith, words } from "#lib/distill/prompts/starter-captions.ts";

/** Writes which words occur together in a training caption: `node guidepost.js run bench/captions/make.ts`, some seconds. */
const { captions, scenes } = trainedWith();
const seen = [...captions, ...scenes, ...distilledOn(), ...(await readPrompts(starterPath("prompts.txt")))];
const combinations = new Set(seen.map((caption) => combinationOf(caption, words.backgrounds)));
const bytes = encodeHashes([...combinations].map(hashOf));
await writeFile(fileURLToPath(new URL("../../lib/measure/unseen/trained-words.bin", import.meta.url)), bytes);
process.stdout.write(
  `${new Set(seen).size} captions, ${combinations.size} combinations of things, ${bytes.length} bytes\n`,
);

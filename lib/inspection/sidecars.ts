import { stat } from "node:fs/promises";
import { readJson } from "#lib/util/read-json.ts";
import { type Trigger, triggersOfSidecar, unique } from "./trigger-words.ts";

const MAX_BYTES = 2 ** 20;

/**
 * Trigger words from the files that download helpers and A1111 keep beside `name.safetensors`: `name.civitai.info` and
 * `name.json`. One that is missing, large or something else says nothing.
 */
export async function triggersBeside(path: string): Promise<Trigger[]> {
  const stem = path.replace(/\.safetensors$/i, "");
  const found: Trigger[] = [];
  for (const ending of [".civitai.info", ".json"]) {
    const facts = await stat(stem + ending).catch(() => null);
    if (!facts?.isFile() || facts.size > MAX_BYTES) continue;
    const json = await readJson(stem + ending, ending).catch(() => null);
    found.push(...triggersOfSidecar(json, `the file ${ending} beside it`));
  }
  return unique(found);
}

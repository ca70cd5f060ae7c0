import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyWeights } from "#lib/prompt/apply-weights.ts";
import { chunksOf } from "#lib/prompt/chunks.ts";
import { parseEmphasis } from "#lib/prompt/emphasis.ts";
import { takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import { letters } from "./letters.ts";

/** Kind, then its unnamed and named items. */
type Network = readonly [string, readonly string[], Readonly<Record<string, string>>];

interface Golden {
  readonly emphasis: readonly { readonly prompt: string; readonly pieces: readonly (readonly [string, number])[] }[];
  readonly networks: readonly {
    readonly prompt: string;
    readonly text: string;
    readonly networks: readonly Network[];
  }[];
  readonly chunked: readonly {
    readonly prompt: string;
    readonly chunks: readonly { readonly ids: readonly number[]; readonly weights: readonly number[] }[];
  }[];
  readonly weighed: readonly { readonly weights: number[]; readonly states: number[]; readonly weighed: number[] }[];
}

const golden = JSON.parse(readFileSync(new URL("../../golden/prompt/vectors.json", import.meta.url), "utf8")) as Golden;

describe("a prompt is read as AUTOMATIC1111's web UI 1.10.1 reads it", () => {
  test.each(golden.emphasis)("emphasis in $prompt", ({ prompt, pieces }) => {
    expect(parseEmphasis(prompt).map(({ text, weight }) => [text, weight])).toEqual(pieces);
  });

  test.each(golden.networks)("networks in $prompt", ({ prompt, text, networks }) => {
    const read = takeExtraNetworks(prompt);
    expect(read.text).toBe(text);
    // Theirs ends in an error on a strength that is no number, and leaves out a kind that it does not know; ours says both.
    const isRead = ([kind, [, ...strengths]]: Network): boolean =>
      ["lora", "lyco", "hypernet"].includes(kind) && strengths.every((text) => Number.isFinite(Number(text)));
    const known = networks.filter(isRead);
    expect(read.networks.map(({ name }) => name)).toEqual(known.map(([, [name]]) => name));
    expect(read.notes.length).toBe(networks.length - known.length);
  });

  test.each(golden.chunked)("chunks of $prompt", ({ prompt, chunks }) => {
    const read = chunksOf(prompt, letters, "a1111");
    expect(read.chunks.map(({ ids, weights }) => ({ ids: [...ids], weights: [...weights] }))).toEqual(
      chunks.map(({ ids, weights }) => ({ ids, weights: weights.map(Math.fround) })),
    );
  });

  test.each(golden.weighed)("states weighed by $weights", ({ weights, states, weighed }) => {
    const given = Float32Array.from(states);
    const made = applyWeights(given, Float32Array.from(weights));
    const largest = Math.max(...weighed.map(Math.abs));
    for (const [i, value] of weighed.entries()) expect(Math.abs(made[i]! - value)).toBeLessThan(1e-6 * largest);
    expect(given).toEqual(Float32Array.from(states));
  });
});

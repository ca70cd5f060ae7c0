import { cp, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PairReport } from "#lib/measure/pair-check.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";

const golden = (path: string): string => fileURLToPath(new URL(`../golden/clip/${path}`, import.meta.url));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  clip = folder.path("tiny-clip");
  for (const part of ["quick-gelu", "tokenizer"]) await cp(golden(part), clip, { recursive: true });
});
afterAll(() => folder.remove());

const check = (...args: string[]) =>
  guidepost("check", starter("storybook"), starter("guide-tiny/guide.safetensors"), "--evaluator", clip, ...args);

describe("check with CLIP as the evaluator", () => {
  test("reads decoded pictures of any prompts, and says what it scored", async () => {
    const prompts = folder.path("prompts.txt");
    await writeFile(prompts, `a red fox in the snow\n${"old house and sea light ".repeat(20)}\n`);
    const { code, stdout, stderr } = await check("--prompts", prompts, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { evidence, raw } = JSON.parse(stdout) as PairReport;
    expect(evidence.fidelity).toMatchObject({
      evaluator: "clip",
      scored: ["similarity of picture and prompt"],
      domain: null,
    });
    expect(evidence.fidelity!.notes).toEqual([
      expect.stringMatching(/^Scores are cosines of CLIP's embeddings \(tiny-clip\); /),
      expect.stringMatching(/^One prompt is longer than the 77 tokens that CLIP reads/),
    ]);
    expect(raw.fidelity).toHaveLength(2);
    for (const { conditional, guide, cfg } of raw.fidelity) {
      for (const cosine of [conditional, guide, cfg]) expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
      expect(new Set([conditional, guide, cfg]).size).toBe(3);
    }
  });

  test("says what it lacks before anything is drawn", async () => {
    await rm(`${clip}/preprocessor_config.json`);
    const { code, stderr } = await check("--pictures", "1");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^tiny-clip has no preprocessor_config\.json, .*; download it too\.\n$/);
  });
});

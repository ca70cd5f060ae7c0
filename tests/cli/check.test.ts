import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PairReport } from "#lib/measure/pair-check.ts";
import { alteredFile, alteredModel } from "../support/altered-model.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const tiny = starter("guide-tiny/guide.safetensors");
const evaluator = ["--evaluator", starter("evaluator/evaluator.safetensors")];

async function check(...args: string[]): Promise<PairReport> {
  const { code, stdout, stderr } = await guidepost("check", ...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as PairReport;
}

describe("check", () => {
  test("verifies the starter guide on its base, with the published figures", async () => {
    const report = await check(
      starter("storybook"),
      tiny,
      ...evaluator,
      "--base",
      starter("storybook"),
      "--prompts",
      starter("prompts.txt"),
      "--pictures",
      "96",
    );
    expect(report).toMatchObject({ verdict: "usable with limits", next: 192 }); // 0.7 is certain only later
    // Published for the same 96 prompts, seed, sampler and guidance, computed in PyTorch: 0.9089, 0.9866, 0.9896; R 0.963.
    // The evaluator's own decisions sit on thresholds, so a few pictures of 96 may be read otherwise.
    const { conditional, guide, cfg, recovered } = report.evidence.fidelity!;
    expect(conditional.value).toBeCloseTo(0.9089, 2);
    expect(guide.value).toBeCloseTo(0.9866, 2);
    expect(cfg.value).toBeCloseTo(0.9896, 2);
    expect(recovered!.value).toBeCloseTo(0.963, 1);
    expect(report.evidence.lineage).toMatchObject({ medianCosine: expect.closeTo(1, 6), guideNamesThisBase: true });
    expect(report.evidence.agreement!.byGuidance.map(({ guidanceScale }) => guidanceScale)).toEqual([
      2.75, 4.5, 6.25, 8,
    ]);
    expect(report.evidence.agreement!.byTimestep).toHaveLength(20);
    expect(report.cost!.guideParameters / report.cost!.baseParameters).toBeCloseTo(0.00993, 5);
  }, 300_000);

  test("without an evaluator shows figures and judges nothing", async () => {
    const report = await check(starter("watercolor"), tiny, "--pictures", "4");
    expect(report.verdict).toBe("not measured");
    expect(report.evidence.agreement!.fvu.n).toBe(4);
    expect(report.evidence.fidelity).toBeNull();
  });

  test("a guide for another structure is incompatible, saying how", async () => {
    const other = await alteredFile(tiny, folder.path("guide.safetensors"), ({ metadata }) =>
      metadata.set("prediction_type", "v_prediction"),
    );
    const report = await check(starter("storybook"), other);
    expect(report).toMatchObject({
      verdict: "incompatible",
      reasons: ["The structure does not fit: prediction type: made for v_prediction, the model has epsilon."],
    });
  });

  test("unrelated weights are incompatible", async () => {
    let state = 1;
    const noise = (): number => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
    const stranger = await alteredModel(folder.path("stranger"), (tensors) => {
      for (const { shape, data } of tensors.values())
        if (shape.length >= 2) data.forEach((_value, i) => (data[i] = 0.1 * noise()));
    });
    const report = await check(stranger, tiny, "--base", starter("storybook"), "--pictures", "2");
    expect(report.verdict).toBe("incompatible");
    expect(report.reasons[0]).toMatch(/unrelated to the base/);
  });

  test("a prediction that is not a number is incompatible, not an error", async () => {
    const broken = await alteredModel(folder.path("nan"), (tensors) => tensors.get("conv_out.bias")!.data.fill(NaN));
    const report = await check(broken, tiny, "--pictures", "1", ...evaluator);
    expect(report).toMatchObject({
      verdict: "incompatible",
      reasons: ["A prediction of the model itself was not a number, with CFG or without."],
    });
    expect(report.evidence.fidelity).toBeNull();
  });

  test("leaves out what the evaluator cannot read in a style", async () => {
    const report = await check(
      starter("storybook"),
      tiny,
      ...evaluator,
      "--lora",
      starter("pencil-lora/pencil.safetensors"),
      "--pictures",
      "2",
    );
    expect(report.evidence.fidelity).toMatchObject({ domain: "pencil", scored: ["background", "size"] });
    expect(report.evidence.fidelity!.unscored.map(({ attribute }) => attribute)).toEqual(["present", "color"]);
  });

  test("prompts that cannot be scored are refused, naming the first", async () => {
    const { code, stderr } = await guidepost(
      "check",
      starter("storybook"),
      tiny,
      ...evaluator,
      "--prompts",
      starter("storybook/tokenizer/merges.txt"),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^The prompt ".*cannot be scored/);
  });
});

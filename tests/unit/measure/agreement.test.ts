import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openGuide } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { openSplitUNet } from "#lib/diffusion/unet-networks.ts";
import { agreementGuidances, measureAgreement, summariseAgreement } from "#lib/measure/agreement.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { starter, testRuntime } from "../../support/golden.ts";

test.each([
  ["storybook", "storybook", null, 0.742, 0.24, 0.53],
  ["watercolor", "watercolor", null, 0.797, 0.2, 0.48],
  ["neon", "storybook", "neon-lora/neon.safetensors", 0.916, 0.12, 0.35],
] as const)(
  "the tiny guide agrees with CFG on %s as PyTorch measured",
  async (_name, model, lora, fvu, delivered, cosine) => {
    const lowRank = lora === null ? [] : [{ path: starter(lora), strength: 1 }];
    const files = await readModelFiles({
      model: starter(model),
      lowRank,
      guide: starter("guide-tiny/guide.safetensors"),
    });
    const parts = unetParts(files, { height: 16, width: 16 });
    const prompts = (
      await readFile(fileURLToPath(new URL("../../golden/agreement/prompts.txt", import.meta.url)), "utf8")
    )
      .trimEnd()
      .split("\n");
    const text = await openText({ ...files, lowRank: [] }, testRuntime);
    const size = wholePicture({ height: 128, width: 128 });
    const unet = await openSplitUNet(parts, testRuntime);
    const guide = await openGuide(files.guide!, parts, testRuntime);

    const states = await measureAgreement(
      unet,
      guide,
      {
        schedule: files.model.schedule,
        steps: 20,
        prompted: await text.condition(prompts, size),
        empty: await text.condition([null], size),
        noise: createGenerator(99).randn([prompts.length, 4, 16, 16]),
        guidanceScales: Float32Array.from(prompts, (_prompt, i) => [2, 4, 6, 8][i % 4]!),
        prompts: prompts.map((_prompt, i) => i),
      },
      async () => {},
    );
    const figures = summariseAgreement(states);
    // Published over all states as they are; here every guidance counts alike, which the strongest does not outweigh.
    const total = (of: "error" | "product" | "asked"): number => states.reduce((sum, state) => sum + state[of], 0);
    expect(Math.abs(total("error") / total("asked") - fvu)).toBeLessThan(0.0006);
    expect(Math.abs(total("product") / total("asked") - delivered)).toBeLessThan(0.006);
    expect(Math.abs(figures.cosine.value - cosine)).toBeLessThan(0.006);
    expect(figures.byTimestep.map(({ timestep }) => timestep).slice(0, 3)).toEqual([951, 901, 851]);
    expect(figures.byGuidance.map(({ guidanceScale, fvu: { n } }) => [guidanceScale, n])).toEqual([
      [2, 4],
      [4, 4],
      [6, 4],
      [8, 4],
    ]);
    for (const network of [text, unet, guide]) await network.close();
  },
);

test("a guide that adds nothing, and CFG that asks for nothing, have the cosine 0 and not NaN", () => {
  const at = { prompt: 0, timestep: 1, guidanceScale: 2 };
  const nothing = { ...at, error: 4, product: 0, asked: 4, delivered: 0 };
  expect(summariseAgreement([nothing])).toMatchObject({ fvu: { value: 1 }, addsNothing: true, finite: true });
  const notAsked = { ...at, error: 1, product: 0, asked: 0, delivered: 1 };
  expect(summariseAgreement([nothing]).cosine).toMatchObject({ value: 0, low: 0, high: 0 });
  expect(summariseAgreement([nothing, notAsked]).cosine.value).toBe(0);
});

test("every guidance counts alike, though guidance grows with it", () => {
  const at = (guidanceScale: number, share: number) => {
    const asked = (guidanceScale - 1) ** 2; // as ‖w − 1‖² times one difference
    return { prompt: 0, timestep: 1, guidanceScale, asked, error: share * asked, product: asked, delivered: asked };
  };
  expect(summariseAgreement([at(2, 1), at(8, 0)]).fvu.value).toBeCloseTo(0.5, 12);
});

test.each([
  [1, 8, [2.75, 4.5, 6.25, 8]],
  [2, 8, [2, 4, 6, 8]],
  [3, 3.5, [3, 3.167, 3.333, 3.5]],
])("agreement is read within the range of a guide, here %d to %d", (minGuidance, maxGuidance, guidances) => {
  expect(agreementGuidances({ minGuidance, maxGuidance })).toEqual(guidances);
});

test("what is not a number is told apart by whose it is", () => {
  const at = { prompt: 0, timestep: 1, guidanceScale: 2, product: 1, delivered: 1 };
  expect(summariseAgreement([{ ...at, error: NaN, asked: 1 }])).toMatchObject({ finite: false, modelIsFinite: true });
  expect(summariseAgreement([{ ...at, error: NaN, asked: NaN }])).toMatchObject({ modelIsFinite: false });
});

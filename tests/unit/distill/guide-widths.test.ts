import { expect, test } from "vitest";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles, signatureOf } from "#lib/diffusion/model-files.ts";
import { guideParameters, widthsWithin } from "#lib/distill/guide-widths.ts";
import type { UNetSignature } from "#lib/pairing/signature.ts";
import { starter } from "../../support/golden.ts";

const { model } = await readModelFiles({ model: starter("storybook"), lowRank: [], guide: null });
const storybook = signatureOf(model);
const base = { parameters: model.unet.weights.parameters, name: "storybook" };

test("a guide made by PyTorch has the widths that its share leads to, and as many parameters as are counted", async () => {
  const { config, weights } = await readGuideFile(starter("guide-tiny/guide.safetensors"));
  expect(widthsWithin(0.01, storybook, base)).toEqual(config.widths);
  expect(guideParameters(storybook, config.widths)).toBe(weights.parameters);
  expect(guideParameters(storybook, widthsWithin(0.03, storybook, base))).toBe(215_404); // as PyTorch counts for widths 20/32/40
});

const sd15: UNetSignature = {
  inChannels: 4,
  channels: [320, 640, 1280, 1280],
  layersPerBlock: [2, 2, 2, 2],
  downAttends: [true, true, true, false],
  crossAttentionDim: 768,
  predictionType: "epsilon",
};
const sdxl: UNetSignature = {
  ...sd15,
  channels: [320, 640, 1280],
  layersPerBlock: [2, 2, 2],
  downAttends: [false, true, true],
  crossAttentionDim: 2048,
};

test.each([
  ["SD 1.5", sd15, 859_520_964],
  ["SDXL", sdxl, 2_567_463_684],
])("of %s no grain more fits into 1%%", (name, signature, parameters) => {
  const widths = widthsWithin(0.01, signature, { parameters, name });
  expect(guideParameters(signature, widths)).toBeLessThanOrEqual(0.01 * parameters);
  for (const level of widths.keys()) {
    expect(widths[level]! % 8).toBe(0);
    expect(guideParameters(signature, widths.with(level, widths[level]! + 8))).toBeGreaterThan(0.01 * parameters);
  }
});

test("counts as the specification does: 7,743,056 parameters for widths 48/96/192/192 on SD 1.5", () => {
  expect(guideParameters(sd15, [48, 96, 192, 192])).toBe(7_743_056);
});

test("a share too small for any network is refused with one that is not", () => {
  expect(() => widthsWithin(0.001, storybook, base)).toThrow(
    "A share of 0.001 of storybook is 7446 parameters, and the narrowest guide for it has 25944; ask for --share 0.0035 or more.",
  );
  expect(widthsWithin(0.0035, storybook, base)).toEqual([8, 8, 8]);
});

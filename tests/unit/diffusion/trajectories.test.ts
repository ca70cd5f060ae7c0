import { describe, expect, test } from "vitest";
import type { GuidanceMode } from "#lib/diffusion/guidance.ts";
import { openPipeline } from "#lib/diffusion/pipeline.ts";
import { sample } from "#lib/diffusion/sample.ts";
import { type SampleRequest, usual } from "#lib/diffusion/sample-request.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { largestDifference, relativeError } from "../../support/close-to.ts";
import { type GoldenModel, goldenNames, openGoldenModel, readGolden, testRuntime } from "../../support/golden.ts";

const runs: readonly [SamplerName, GuidanceMode][] = [
  ["ddim", "conditional"],
  ["ddim", "guide"],
  ["ddim", "cfg"],
  ["dpmpp-2m", "cfg"],
];

describe.each(goldenNames)("twenty steps of %s equal diffusers'", (name) => {
  test.each(runs)("%s, %s", async (sampler, mode) => {
    const golden = await readGolden(name);
    const pipeline = await openPipeline(await openGoldenModel(name), { height: 16, width: 16 }, testRuntime);
    const request: SampleRequest = {
      ...usual,
      prompt: golden.prompt,
      negativePrompt: null,
      plan: { mode, guidanceScale: 5, cfgSteps: 0 },
      sampler,
      steps: 20,
      start: { noise: golden.tensor("noise") },
    };
    let latents: FloatTensor | undefined;
    for await (const step of sample(pipeline, request)) ({ latents } = step);
    expect(relativeError(latents!, golden.tensor(`${sampler}.${mode}`))).toBeLessThan(1e-3);
    await pipeline.close();
  });
});

test.each(Object.entries({ storybook: 5, watercolor: 6, neon: 7, pencil: 8 }))(
  "%s was drawn from torch's seed %i",
  async (name, seed) => {
    const golden = await readGolden(name as GoldenModel);
    const generator = createGenerator(seed);
    expect(largestDifference(generator.randn([2, 4, 16, 16]), golden.tensor("latents"))).toBeLessThan(1e-6);
    expect(largestDifference(generator.randn([1, 4, 16, 16]), golden.tensor("noise"))).toBeLessThan(1e-6);
  },
);

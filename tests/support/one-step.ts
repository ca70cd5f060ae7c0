import { usual } from "#lib/diffusion/sample-request.ts";
import type { SampleJob } from "#workers/inference/messages.ts";
import { testRuntime } from "./golden.ts";

/** The least that opens all networks of a model: one step of CFG. */
export const oneStep = (
  model: string,
  { batch = 1, ...runtime }: { readonly batch?: number; readonly memory?: number } = {},
): SampleJob => ({
  type: "sample",
  runtime: { ...testRuntime, ...runtime },
  choice: { model, lowRank: [], guide: null },
  request: {
    ...usual,
    prompt: "a big red house in a meadow",
    negativePrompt: null,
    plan: { mode: "cfg", guidanceScale: 5, cfgSteps: 0 },
    sampler: "ddim",
    steps: 1,
    start: { seed: 5n, batch, batchNoise: "one stream" },
  },
  pictures: false,
});

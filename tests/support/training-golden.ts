import { fileURLToPath } from "node:url";
import { type GuideFile, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import { type ParameterLayout, parameterLayout } from "#lib/distill/step/parameter-layout.ts";
import type { TrainingBatch, TrainingState, TrainingStepOptions } from "#lib/distill/step/training-step.ts";
import type { OptimizerSettings } from "#lib/distill/step/optimizer.ts";
import { concat, type FloatTensor, rows, sizeOf } from "#lib/tensor/tensor.ts";
import { readTensors, starter, testRuntime } from "./golden.ts";

/** Ten steps that PyTorch made, see `tests/golden/training`. */
export interface TrainingGolden {
  readonly options: TrainingStepOptions;
  readonly guide: GuideFile;
  readonly layout: ParameterLayout;
  readonly batch: TrainingBatch;
  readonly losses: readonly number[];
  /** Of the first step, and what ten steps changed, in the layout's order. */
  readonly gradient: Float32Array;
  readonly change: Float32Array;
}

export const goldenRates = { learningRate: 4e-3, averageDecay: 0.9 };
export const goldenOptimizer: OptimizerSettings = {
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
};

export async function readTrainingGolden(): Promise<TrainingGolden> {
  const path = fileURLToPath(new URL("../golden/training/training.safetensors", import.meta.url));
  const golden = await readTensors(path);
  const of = (name: string): FloatTensor => golden.get(name)!;
  const guide = await readGuideFile(starter("guide-tiny/guide.safetensors"));
  const layout = parameterLayout(guide.config);
  const weights = flat(layout, await readTensors(guide.file.path), (name) => name);
  const guidance = of("guidance").data;
  const size = { tokens: 24, height: 16, width: 16 };
  const prompts = [...of("prompt").data];
  return {
    guide,
    layout,
    options: {
      base: { unet: (await openModel(starter("storybook"))).unet, lowRank: [] },
      guide: guide.config,
      size,
      batch: 32,
      optimizer: goldenOptimizer,
      initial: freshState(weights),
      runtime: testRuntime,
      recompute: false,
    },
    batch: {
      latents: of("latents"),
      timesteps: of("timesteps").data,
      conditioning: { text: concat(prompts.map((prompt) => rows(of("text"), prompt, prompt + 1))) },
      guidanceScales: guidance,
      target: of("target"),
      lossWeights: guidance.map((scale) => 1 / Math.max(scale - 1, 0.3)),
    },
    losses: [...of("losses").data],
    gradient: flat(layout, golden, (name) => `gradient.${name}`).map((value) => value / 4096),
    change: flat(layout, golden, (name) => `change.${name}`).map((value) => value / 64),
  };
}

/** Before the first step: no moments, and the average is the weights. */
export function freshState(weights: Float32Array): TrainingState {
  const zeros = (): Float32Array => new Float32Array(weights.length);
  return { weights, firstMoments: zeros(), secondMoments: zeros(), average: weights.slice(), steps: 0 };
}

function flat(
  { parameters, length }: ParameterLayout,
  tensors: ReadonlyMap<string, FloatTensor>,
  called: (name: string) => string,
): Float32Array {
  const out = new Float32Array(length);
  for (const { name, shape, offset } of parameters)
    out.set(tensors.get(called(name))!.data.subarray(0, sizeOf(shape)), offset);
  return out;
}

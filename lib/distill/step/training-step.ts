import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { ParameterLayout } from "./parameter-layout.ts";

/** All that a step changes: four vectors of `layout.length`, and how many steps were made. */
export interface TrainingState {
  readonly weights: Float32Array;
  readonly firstMoments: Float32Array;
  readonly secondMoments: Float32Array;
  /** The running average of the weights, which is what becomes a guide. */
  readonly average: Float32Array;
  readonly steps: number;
}

/** B states of the base's own, and what to predict there. */
export interface TrainingBatch {
  /** [B, C, H, W], as the network reads them. */
  readonly latents: FloatTensor;
  /** [B] */
  readonly timesteps: Float32Array;
  /** Of the prompt; B rows. */
  readonly conditioning: Conditioning;
  /** [B] */
  readonly guidanceScales: Float32Array;
  /** [B, C, H, W]: the prediction to reach, as the base predicts: u + w (c − u). */
  readonly target: FloatTensor;
  /** [B]: the loss is the mean over rows of weight · mean((prediction − target)²). */
  readonly lossWeights: Float32Array;
}

/** What differs from step to step. */
export interface StepRates {
  readonly learningRate: number;
  readonly averageDecay: number;
}

export interface StepResult {
  readonly loss: number;
  /** Of all parameters together, before clipping. */
  readonly gradientNorm: number;
}

/** Of AdamW. */
export interface OptimizerSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients of a larger norm are scaled down to it. */
  readonly clipNorm: number;
}

/** A guide in training beside its frozen base. */
export interface TrainingStep {
  readonly layout: ParameterLayout;
  run(batch: TrainingBatch, rates: StepRates): Promise<StepResult>;
  state(): TrainingState;
  restore(state: TrainingState): void;
  close(): Promise<void>;
}

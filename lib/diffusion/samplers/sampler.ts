import type { SamplerName } from "#lib/sampler-names.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";

/** A noise level: latents = alpha·x0 + sigma·ε, with alpha² + sigma² = 1. */
export interface Level {
  /** What the network is told, 0 … T − 1; some samplers stand between two. */
  readonly timestep: number;
  readonly alpha: number;
  readonly sigma: number;
}

/** A level at which the network is asked. */
export interface Evaluation extends Level {
  /** The step it belongs to, 0 … steps − 1. A step of second order has two evaluations. */
  readonly step: number;
}

/** Unit-variance noise of the latents' shape; each draw continues where the last one stopped. */
export type NoiseSource = () => FloatTensor;

/** For who uses a sampler that draws no noise. */
export const noNoise: NoiseSource = () => {
  throw new RangeError("this walk was said to draw no noise");
};

/**
 * A walk from noise down to latents, one evaluation of the network after the other.
 *
 * Latents are kept at unit variance by every sampler (`alpha² + sigma² = 1` at each level), and so they are what the
 * network reads as they stand. diffusers' Euler and Heun keep x / alpha instead and scale the network's input by
 * `alpha`: the same numbers. At the end, latents are what the VAE decodes.
 */
export interface Sampler {
  readonly name: SamplerName;
  /** What is left of the steps asked for: fewer where the walk begins at a picture. */
  readonly steps: number;
  /** Noisiest first. */
  readonly evaluations: readonly Evaluation[];
  /**
   * Latents to begin with.
   *
   * @param noise  [B, C, H, W], unit variance
   * @param picture  same shape, the encoded picture that the walk begins at; without one, it begins at noise alone
   */
  start(noise: FloatTensor, picture?: FloatTensor): FloatTensor;
  /**
   * Latents at an evaluation → latents at the next; the last arrives at the end. Evaluations go in order; 0 starts
   * afresh.
   *
   * @param latents  [B, C, H, W]
   * @param prediction  same shape; the network's own output after guidance, of the schedule's prediction type
   * @returns new latents; the inputs are left as they were
   */
  step(latents: FloatTensor, prediction: FloatTensor, evaluation: number, drawNoise: NoiseSource): FloatTensor;
}

import type { Sampler } from "#lib/diffusion/samplers/sampler.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

/** The network of the golden walks: 0.35x + 0.2 sin(t/150) + 0.1 cos(3x). */
export function analyticNetwork(latents: FloatTensor, { timestep }: { readonly timestep: number }): FloatTensor {
  return tensor(
    latents.data.map((x) => 0.35 * x + 0.2 * Math.sin(timestep / 150) + 0.1 * Math.cos(3 * x)),
    latents.shape,
  );
}

const keepsUnscaled = new Set(["euler", "euler-a", "heun"]);

/** Latents that diffusers holds where ours are `latents`: some of its schedulers keep them divided by alpha. */
export function asTheirs({ name, evaluations }: Sampler, latents: FloatTensor, evaluation: number): Float32Array {
  const alpha = keepsUnscaled.has(name) ? (evaluations[evaluation]?.alpha ?? 1) : 1;
  return latents.data.map((x) => x / alpha);
}

/** ‖ours − theirs‖ / ‖theirs‖ */
export const distance = (ours: ArrayLike<number>, theirs: readonly number[]): number =>
  Math.hypot(...theirs.map((value, i) => ours[i]! - value)) / Math.hypot(...theirs);

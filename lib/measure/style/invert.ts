import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { cleanOf, noiseOf } from "#lib/diffusion/samplers/prediction.ts";
import type { Level } from "#lib/diffusion/samplers/sampler.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { UNet } from "#lib/diffusion/unet-networks.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

/**
 * The noise from which a model draws these pictures: its own walk backwards (Song et al. 2021, arXiv 2010.02502, §4.3), without guidance.
 * Each step takes the prediction of the level that it comes from, so the walk forwards arrives near the picture, not at it.
 *
 * @param latents  [B, C, H, W], scaled
 */
export async function invert(
  unet: Pick<UNet, "predict">,
  schedule: Schedule,
  { latents, text, steps }: { readonly latents: FloatTensor; readonly text: Conditioning; readonly steps: number },
  onStep: () => Promise<void>,
): Promise<FloatTensor> {
  const levels: readonly Level[] = createSampler("ddim", schedule, steps).evaluations.toReversed(); // cleanest first
  const { predictionType } = schedule;
  let noisy = latents;
  let from: Level = { timestep: levels[0]!.timestep, alpha: 1, sigma: 0 };
  for (const to of levels) {
    const prediction = await unet.predict(noisy, from.timestep, text, null);
    const at = from.sigma === 0 ? to : from; // nothing is said at no noise at all: what is predicted there is that of the first level
    const { data } = noisy;
    const values = prediction.data.map((predicted, i) => {
      const noise = noiseOf[predictionType](predicted, data[i]!, at);
      const clean = from.sigma === 0 ? data[i]! : cleanOf[predictionType](predicted, data[i]!, from);
      return to.alpha * clean + to.sigma * noise;
    });
    noisy = tensor(values, noisy.shape);
    from = to;
    await onStep();
  }
  return noisy;
}

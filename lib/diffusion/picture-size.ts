import type { Model } from "./model.ts";
import type { PictureSize } from "./text-conditioner.ts";
import { pixelsPerLatent } from "./vae-config.ts";

/** Height and width of latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** Where a config does not say what size its model was trained on: that of Stable Diffusion, and that of SDXL. */
const usualSide = ({ unet }: Model): number => (unet.config.added ? 128 : 64);

/** The size of latents that a model was trained on. */
export const ownSize = (model: Model): LatentSize =>
  model.unet.config.sampleSize ?? { height: usualSide(model), width: usualSide(model) };

/** The size of the picture that latents become, in pixels. */
export const pictureSizeOf = ({ vae }: Model, { height, width }: LatentSize): PictureSize => {
  const scale = pixelsPerLatent(vae.config);
  return { height: scale * height, width: scale * width };
};

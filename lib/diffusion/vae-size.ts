import type { Model } from "./model.ts";
import type { LatentSize } from "./picture-size.ts";
import { pixelsPerLatent } from "./vae-config.ts";

/** Height and width of the latents, and whether a large picture is gone through in tiles: less memory, other pixels. */
export interface VaeSize {
  readonly height: number;
  readonly width: number;
  readonly tiled?: boolean;
}

/** What is decoded at once: 1.5 times the pixels of 1024 × 1024. A larger picture is gone through in tiles. */
const WHOLE_PIXELS = 1.5 * 1024 ** 2;

/** How a picture of that size is decoded and encoded. */
export function vaeSize({ vae }: Model, { height, width }: LatentSize): VaeSize {
  const pixels = height * width * pixelsPerLatent(vae.config) ** 2;
  return { height, width, tiled: pixels > WHOLE_PIXELS };
}

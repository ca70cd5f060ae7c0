/** Shortest and longest side of a preview, in pixels: no family draws less, and SDXL's own sizes end below the longest. */
export const LEAST_SIDE = 64;
export const MOST_SIDE = 2048;

/** One latent stands for 8 × 8 pixels in every family that runs. */
export const SIDE_STEP = 8;

/**
 * Half more than SDXL's own 1024 × 1024. One worker draws for everybody, and what attention holds at the finest level
 * grows with the square of the pixels; larger pictures are for one's own machine.
 */
export const MOST_PIXELS = 1536 * 1024;

/** How many steps a preview takes at most. */
export const MOST_STEPS = 100;
export const MOST_GUIDANCE = 20;
export const MOST_PROMPT = 2000; // characters: it stands in an address
/** Layers of a text encoder that are left out: CLIP-L has 12, and reads nothing with fewer than two. */
export const MOST_CLIP_SKIP = 10;
/** Of a guide: three times is too much wherever it was tried. */
export const MOST_GUIDE_STRENGTH = 4;
/** Of a LoRA, either way: A1111's own slider ends at half of it. */
export const MOST_STRENGTH = 4;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Why a preview of such a size is not drawn; null where it is. */
export function sizeProblem({ width, height }: Size): string | null {
  const isSide = (side: number): boolean =>
    Number.isInteger(side) && side >= LEAST_SIDE && side <= MOST_SIDE && side % SIDE_STEP === 0;
  if (!isSide(width) || !isSide(height))
    return `Each side must be a multiple of ${SIDE_STEP} from ${LEAST_SIDE} to ${MOST_SIDE} pixels.`;
  if (width * height <= MOST_PIXELS) return null;
  return `${width} × ${height} has more pixels than the ${MOST_PIXELS.toLocaleString("en")} of a preview, which are those of 1536 × 1024.`;
}

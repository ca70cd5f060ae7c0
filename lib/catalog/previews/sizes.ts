import { SIDE_STEP, type Size, sizeProblem } from "./limits.ts";

/** Some of the sizes that SDXL was trained on (Podell et al. 2023, arXiv 2307.01952, appendix I), wide ones. */
const sdxlSizes: readonly Size[] = [
  { width: 1152, height: 896 },
  { width: 1216, height: 832 },
  { width: 1344, height: 768 },
  { width: 1536, height: 640 },
];

/** Stable Diffusion keeps its own size as the short side: far above it, it draws a thing twice. */
const longer = [5 / 4, 3 / 2, 16 / 9];

/** The sizes that models of such a native size are mostly asked for beside it, wide ones before tall ones. */
export function usualSizes(native: Size | null): Size[] {
  if (native === null) return [];
  const { width, height } = native;
  if (width !== height) return [{ width: height, height: width }].filter(isOffered);
  const wide =
    width === 1024
      ? sdxlSizes
      : longer.map((ratio) => ({ width: Math.round((width * ratio) / SIDE_STEP) * SIDE_STEP, height }));
  return [...wide, ...wide.map((size) => ({ width: size.height, height: size.width }))].filter(isOffered);
}

const isOffered = (size: Size): boolean => sizeProblem(size) === null;

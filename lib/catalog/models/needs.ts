import type { Need } from "#lib/queue/room.ts";
import { showBytes } from "#lib/util/show-bytes.ts";

type Curve = readonly { readonly at: number; readonly peak: number; readonly stage: string; readonly bytes: number }[];

/** As the facts of an inspection have it; null where that was made before it was asked. */
interface Needs {
  readonly drawing: Curve;
  readonly merging: number;
  readonly measuring: Curve;
  readonly measuringPixels: number;
}

/** What was found of everything that a job opens. */
export interface Parts {
  readonly base: {
    readonly needs: Needs | null;
    readonly nativeSize: { readonly width: number; readonly height: number } | null;
  };
  readonly guide: { readonly needs: Needs | null } | null;
  readonly lowRank: readonly { readonly parameters: number }[];
}

/** Of one picture after the other in every mode, in one process. Null where nothing tells. */
export function needToDraw(
  parts: Parts,
  { width, height }: { readonly width: number | null; readonly height: number | null },
): Need | null {
  const { needs, nativeSize } = parts.base;
  const size = width !== null && height !== null ? { width, height } : nativeSize;
  if (!needs || needs.drawing.length === 0 || !size) return null;
  const pixels = size.width * size.height;
  return together(parts, needAt(needs.drawing, pixels), pixels, `at ${size.width} × ${size.height} px`);
}

/** What reads the pictures, where it reads latents. One that looks at pictures takes more, which the process that measures says. */
const JUDGE_BYTES = 100e6;

/** At the model's own size. Null where nothing tells. */
export function needToMeasure(parts: Parts, pictures: number): Need | null {
  const { needs, nativeSize } = parts.base;
  if (!needs || needs.measuring.length === 0 || !nativeSize) return null;
  const where = `at its own ${nativeSize.width} × ${nativeSize.height} px`;
  const need = together(parts, needAt(needs.measuring, pictures), needs.measuringPixels, where);
  return { ...need, bytes: need.bytes + JUDGE_BYTES };
}

function together(
  { base: { needs }, guide, lowRank }: Parts,
  model: Curve[number],
  pixels: number,
  where: string,
): Need {
  const ofGuide = guide?.needs && guide.needs.drawing.length > 0 ? needAt(guide.needs.drawing, pixels).peak : 0;
  const adapters = lowRank.reduce((sum, { parameters }) => sum + 4 * parameters, 0);
  const merging = lowRank.length > 0 ? needs!.merging + adapters : 0;
  return {
    bytes: Math.ceil(model.peak + ofGuide + merging),
    what: `${showBytes(model.bytes)} of it for ${model.stage} ${where}`,
  };
}

/** Beside two places that are known, and beyond them, in a straight line; below the first as much as there. */
export function needAt(curve: Curve, at: number): Curve[number] {
  const above = curve.findIndex((one) => one.at >= at);
  if (above === 0 || curve.length === 1) return curve[0]!;
  const [low, high] = above < 0 ? [curve.at(-2)!, curve.at(-1)!] : [curve[above - 1]!, curve[above]!];
  const share = (at - low.at) / (high.at - low.at);
  const between = (a: number, b: number): number => a + share * (b - a);
  const isSame = low.stage === high.stage;
  return {
    at,
    stage: high.stage,
    peak: between(low.peak, high.peak),
    bytes: isSame ? between(low.bytes, high.bytes) : Math.min(high.bytes, between(low.peak, high.peak)),
  };
}

import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { requireRoom } from "#lib/pairing/guide-choice.ts";
import type { UNetSignature } from "#lib/pairing/signature.ts";
import { parameterLayout } from "./step/parameter-layout.ts";

/** The narrowest guide has so many channels everywhere: group norms want four a group, and two groups. */
const LEAST = 8;

/** The widths of the narrowest guide for a base. */
export const narrowestGuide = ({ channels }: UNetSignature): readonly number[] => channels.map(() => LEAST);

/** A wide base has a guide whose widths are multiples of 8, as convolutions in blocks like them; a narrow one is filled more closely. */
const grainFor = ({ channels }: UNetSignature): number => (channels[0]! < 128 ? 4 : 8);

/**
 * The widest guide within a share of the base's parameters, always the same for the same base: from the narrowest, one grain at a time for
 * the level that is narrowest beside its base and may still grow.
 *
 * @throws bad_request where not even the narrowest fits
 */
export function widthsWithin(
  share: number,
  base: UNetSignature,
  { parameters, name }: { readonly parameters: number; readonly name: string },
): readonly number[] {
  const most = Math.floor(share * parameters);
  const grain = grainFor(base);
  let widths = narrowestGuide(base);
  const least = guideParameters(base, widths);
  requireRoom(share, { name, parameters, least }, (enough) => `ask for --share ${enough} or more`);
  for (;;) {
    const wider = byNarrowness(widths, base)
      .map((level) => widths.with(level, widths[level]! + grain))
      .find((candidate) => guideParameters(base, candidate) <= most);
    if (!wider) return widths;
    widths = wider;
  }
}

const byNarrowness = (widths: readonly number[], { channels }: UNetSignature): number[] =>
  [...widths.keys()].toSorted((a, b) => widths[a]! / channels[a]! - widths[b]! / channels[b]! || a - b);

/** How many parameters a guide of these widths has. Neither its range nor its base's hash changes that. */
export const guideParameters = (base: UNetSignature, widths: readonly number[]): number =>
  parameterLayout({ ...anyRange, base: { ...base, sha256: "" }, widths }).length;

const anyRange: Omit<GuideConfig, "base" | "widths"> = {
  variant: "",
  minGuidance: 1,
  maxGuidance: 2,
  referenceGuidance: 2,
  trainedOn: {},
};

import type { GuideFile } from "#lib/diffusion/guide-network.ts";
import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { agreementGuidances } from "./agreement.ts";

/**
 * How pairs are measured. A report is valid for one protocol: whatever changes the numbers changes the version.
 * Sampler, steps, guidance and seeds are those of the published figures of the starter guides.
 */
export const protocol = {
  version: PROTOCOL_VERSION,
  sampler: "ddim",
  steps: 20,
  usualGuidance: 5,
  agreementPrompts: thresholds.agreementPrompts,
} as const;

/** Of the noise, where everybody may know it. */
export const publicSeeds = { agreementSeed: 99, pictureSeed: 77 } as const;

/** What is drawn with a guide, within the range that it was made for. */
export function guidancesFor({ config }: GuideFile): {
  /** Of pictures: the usual one, or what is nearest to it. */
  readonly guidanceScale: number;
  /** Of single steps. */
  readonly agreementGuidances: readonly number[];
} {
  const { minGuidance, maxGuidance } = config;
  return {
    guidanceScale: Math.min(Math.max(protocol.usualGuidance, minGuidance), maxGuidance),
    agreementGuidances: agreementGuidances(config),
  };
}

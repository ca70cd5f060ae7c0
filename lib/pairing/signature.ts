import type { PredictionType } from "#lib/families/family.ts";

/** What a guide and a base must have in common for the one to run on the other. Read from configs and metadata, without a weight. */
export interface UNetSignature {
  readonly inChannels: number;
  /** Channels of each level, finest first. */
  readonly channels: readonly number[];
  readonly layersPerBlock: readonly number[];
  readonly downAttends: readonly boolean[];
  readonly crossAttentionDim: number;
  readonly predictionType: PredictionType;
}

const rows: readonly [string, keyof UNetSignature][] = [
  ["latent channels", "inChannels"],
  ["channels by level", "channels"],
  ["layers by level", "layersPerBlock"],
  ["cross-attention by level", "downAttends"],
  ["width of the text states", "crossAttentionDim"],
  ["prediction type", "predictionType"],
];

/** L0: what keeps a guide from running at all, in words; empty where nothing does. Whether it helps is for measurement to say. */
export function structureMismatches(guide: UNetSignature, model: UNetSignature): string[] {
  return rows
    .map(([what, key]) => ({ what, made: String(guide[key]), found: String(model[key]) }))
    .filter(({ made, found }) => made !== found)
    .map(({ what, made, found }) => `${what}: made for ${made}, the model has ${found}`);
}

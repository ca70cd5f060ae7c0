import type { DistillationItem, DistillationProgress } from "#lib/catalog/distillations/schema.ts";
import { toCount } from "../../_page/units.ts";

export const stateWords: Readonly<Record<DistillationItem["state"], string>> = {
  queued: "waiting",
  running: "running",
  paused: "paused",
  succeeded: "done",
  failed: "failed",
  cancelled: "cancelled",
};

const stageWords: Readonly<Record<DistillationProgress["stage"], string>> = {
  states: "The base draws what the guide will learn from: state",
  training: "The guide learns: step",
  "held-out": "The guide is tried on prompts that it does not learn from: pass",
};

/** “The guide learns: step 120 of 1,500.” */
export const progressSentence = ({ stage, done, total }: DistillationProgress): string =>
  `${stageWords[stage]} ${toCount(done)} of ${toCount(total)}.`;

/** 4.1 T, as multiply–accumulates are counted. */
export const toMacs = (macs: number): string =>
  macs < 1e12 ? `${(macs / 1e9).toFixed(1)} G` : `${(macs / 1e12).toFixed(1)} T`;

/** “1%”, “0.5%” */
export const toShare = (share: number): string => `${Number((100 * share).toPrecision(2))}%`;

import type { Estimate } from "./estimate.ts";

/**
 * Where a guide is at its best on a model, and how far around it holds. It judges nothing: the verdict is of the guide as it was made,
 * at the usual guidance and steps.
 */
export interface Envelope {
  /** How many prompts everything was chosen on, and how many others say what came of it. */
  readonly n: number;
  readonly others: number;
  readonly steps: number;
  /** Pictures without guidance. */
  readonly none: Estimate;
  /** The weakest guidance first; the guide's where it was made for so much. */
  readonly byGuidance: readonly {
    readonly guidanceScale: number;
    readonly cfg: Estimate;
    readonly guide: Estimate | null;
  }[];
  readonly bySteps: readonly { readonly steps: number; readonly cfg: Estimate; readonly guide: Estimate }[];
  readonly byStrength: readonly StrengthPoint[];
  /** CFG for so many of the first steps, then the guide at its best strength. */
  readonly byCfgSteps: readonly { readonly cfgSteps: number; readonly passes: number; readonly guide: Estimate }[];
  /** The guidance at which CFG is at its best, which has the same tuning as the guide. */
  readonly cfgGuidance: number;
  readonly best: Setting & { readonly passes: number };
  /** Between which the guide keeps as much of what CFG adds at its best as `thresholds.verifiedRecovered`, around what is asked for; null where not there. */
  readonly holds: { readonly guidance: Span | null; readonly steps: Span | null };
  /** What came of it on prompts that nothing was chosen on. */
  readonly found: {
    readonly none: Estimate;
    /** At its best guidance. */
    readonly cfg: Estimate;
    /** As it was made, and at its best. */
    readonly guide: Estimate;
    readonly best: Estimate;
    /** The best less the guide as it was made, and less CFG, prompt by prompt. */
    readonly againstGuide: Estimate;
    readonly againstCfg: Estimate;
  };
}

export interface StrengthPoint {
  readonly strength: number;
  readonly guide: Estimate;
  /** How large what one step adds is, as a share of what CFG adds. */
  readonly delivered: Estimate;
  /** Whether that is little enough for the strength to be chosen. */
  readonly isAllowed: boolean;
}

/**
 * What finding it costs about, in passes of one picture at the usual twenty steps, and in prompts of a look, which are drawn in three modes:
 * thirty ways of one or two passes a step on those that are chosen on, five on the others, and single steps at six strengths.
 */
export const envelopePasses = 26_000;
export const envelopeWork = envelopePasses / 80;

/** How a guide is asked. */
export interface Setting {
  readonly guidanceScale: number;
  readonly guideStrength: number;
  readonly cfgSteps: number;
}

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** What the envelope says, in sentences that are made of what was measured. */
export function findingsOf(envelope: Envelope): string[] {
  return [ofBest(envelope), ofCfg(envelope), ...ofRanges(envelope), ofCap(envelope)].filter((one) => one !== null);
}

/** Whether nothing that was tried is better than the guide as it was made. */
export const isAsMade = ({ guideStrength, cfgSteps }: Setting): boolean => guideStrength === 1 && cfgSteps === 0;

/** “strength 1.25, CFG for the first 2 steps, guidance 5”. */
export function nameOfSetting({ guidanceScale, guideStrength, cfgSteps }: Setting): string {
  const first = cfgSteps === 0 ? null : `CFG for the first ${cfgSteps === 1 ? "step" : `${cfgSteps} steps`}`;
  return [`strength ${guideStrength}`, first, `guidance ${guidanceScale}`].filter((one) => one !== null).join(", ");
}

function ofBest({ best, found, n, others }: Envelope): string {
  if (isAsMade(best))
    return `At guidance ${best.guidanceScale} the guide is at its best as it was made: no other strength and no CFG steps kept more by more than one standard error, of ${n} prompts. On ${others} others it keeps ${share(found.best)}.`;
  return `At its best here, with ${nameOfSetting(best)}, it takes ${best.passes} passes. On ${others} prompts that nothing was chosen on it then keeps ${share(found.best)}, and as it was made ${share(found.guide)}: a difference of ${difference(found.againstGuide)}.`;
}

function ofCfg({ cfgGuidance, found, others, steps }: Envelope): string {
  return `CFG, tuned in the same way, is at its best at guidance ${cfgGuidance}: it keeps ${share(found.cfg)} of the same ${others}, with ${2 * steps} passes; the guide at its best less that is ${difference(found.againstCfg)}.`;
}

function ofRanges({ best, holds, none, byGuidance, cfgGuidance, steps }: Envelope): string[] {
  const cfg = byGuidance.find((one) => one.guidanceScale === cfgGuidance)!.cfg;
  if (!(cfg.value > none.value))
    return ["CFG keeps no more here than pictures without it, so there is no range in which a guide could hold."];
  const part = `at least 70% of what CFG adds at its best`;
  const of = ({ low, high }: Span, what: string): string =>
    low === high ? `only at ${what} ${low}` : `at ${what} ${low} to ${high}`;
  if (!holds.guidance)
    return [`As it was made, at guidance ${best.guidanceScale}, it keeps less than 70% of what CFG adds at its best.`];
  return [
    `As it was made it keeps ${part} ${of(holds.guidance, "guidance")}, of what was tried.`,
    ...(holds.steps
      ? [
          `With other numbers of steps than ${steps} it does so ${holds.steps.low === holds.steps.high ? `only at ${holds.steps.low}` : `from ${holds.steps.low} to ${holds.steps.high}`}.`,
        ]
      : []),
  ];
}

function ofCap({ byStrength }: Envelope): string | null {
  const first = byStrength.find(({ isAllowed }) => !isAllowed);
  if (!first) return null;
  return `Strength ${first.strength} and more cannot be chosen: one step would add ${first.delivered.value.toFixed(2)} times as much as CFG does, and more than 1.15 is too much.`;
}

const share = ({ value }: Estimate): string => value.toFixed(3);
const difference = ({ value, low, high }: Estimate): string =>
  `${signed(value)} (95% interval ${signed(low)} to ${signed(high)})`;
const signed = (value: number): string => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);

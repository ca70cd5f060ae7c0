import type { Estimate } from "./estimate.ts";
import { lastLook, type Look } from "./plan.ts";
import { normalBelow } from "./normal.ts";
import { thresholds } from "./thresholds.ts";

/** How well the picture of each mode keeps to one prompt, all three from the same noise. */
export interface Scores {
  readonly conditional: number;
  readonly guide: number;
  readonly cfg: number;
}

/** What a look says, by intervals that hold together over all looks. */
export interface Recovery {
  /** CFG − conditional, paired. */
  readonly gain: Estimate;
  /** R = (guide − conditional) / (CFG − conditional); none where CFG's gain could be nothing, for then R could be anything. */
  readonly recovered: Estimate | null;
  readonly claims: Claims;
}

/** CFG gains something; the guide recovers enough to be verified; enough to be of use; certainly less than that. */
export type Claim = "gain" | "verified" | "usable" | "tooLittle";

export type Claims = Readonly<Record<Claim, Certainty>>;

export interface Certainty {
  readonly isCertain: boolean;
  /** How likely the last look says it, where what was seen so far goes on rather well. */
  readonly hope: number;
}

/**
 * What the prompts of a look say of R. Its interval is all ρ that a test of guide − ρ · CFG − (1 − ρ) · conditional does not rule out
 * (Fieller 1954): a gain near zero makes it wide, up to everything, and nothing is divided by a number near zero.
 */
export function recoveryOf(scores: readonly Scores[], look: Look): Recovery {
  const n = scores.length;
  const claims = claimsOf(scores, look);
  const gains = scores.map(({ cfg, conditional }) => cfg - conditional);
  const gain = { value: mean(gains), ...intervalOfGain(gains, look.critical), n };
  const low = endOf((ratio) => certainty(scores, ratio, "above"), look.critical, "falling");
  const high = endOf((ratio) => certainty(scores, ratio, "below"), look.critical, "rising");
  if (!claims.gain.isCertain || low === null || high === null)
    return { gain, recovered: null, claims: { ...claims, gain: { ...claims.gain, isCertain: false } } };
  const added = mean(scores.map(({ guide, conditional }) => guide - conditional));
  return { gain, recovered: { value: added / gain.value, low, high, n }, claims };
}

/** What a look is certain of: the same as by the intervals, and sooner computed. */
export function claimsOf(scores: readonly Scores[], look: Look): Claims {
  const { verifiedRecovered, usableRecovered } = thresholds;
  const by = (t: number): Certainty => ({ isCertain: t > look.critical, hope: hopeOf(t, look) });
  return {
    gain: by(certaintyOfGain(scores.map(({ cfg, conditional }) => cfg - conditional))),
    verified: by(certainty(scores, verifiedRecovered, "above")),
    usable: by(certainty(scores, usableRecovered, "above")),
    tooLittle: by(certainty(scores, usableRecovered, "below")),
  };
}

/**
 * How certainly R lies above or below a ratio, in units of Student's t. Scores are shares in steps, and a lost thing is rare and costs
 * much: as they stand such values are called certain three times as often as they may. So one prompt more is counted, on which the
 * largest difference that any prompt showed speaks against the claim, and of t and t corrected for skewness (Hall 1992) the lesser holds.
 */
export function certainty(scores: readonly Scores[], ratio: number, side: "above" | "below"): number {
  const sign = side === "above" ? 1 : -1;
  const values = scores.map(({ guide, cfg, conditional }) => sign * (guide - ratio * cfg - (1 - ratio) * conditional));
  const most = mostBetweenModes(scores);
  const against = side === "above" ? -ratio * most : -(1 - ratio) * most; // the guide adds nothing of it, or all
  return leastT([...values, against]);
}

/** One prompt more is counted, on which CFG gains nothing. */
const certaintyOfGain = (gains: readonly number[]): number => leastT([...gains, 0]);

function intervalOfGain(gains: readonly number[], critical: number): { low: number; high: number } {
  const { mean: middle, error } = momentsOf([...gains, 0]);
  const isCertain = certaintyOfGain(gains) > critical;
  const low = middle - critical * error;
  return { low: isCertain ? low : Math.min(0, low), high: middle + critical * error };
}

function mostBetweenModes(scores: readonly Scores[]): number {
  let most = 0;
  for (const { guide, cfg, conditional } of scores)
    most = Math.max(most, Math.max(guide, cfg, conditional) - Math.min(guide, cfg, conditional));
  return most;
}

interface Moments {
  readonly mean: number;
  /** Of the mean. */
  readonly error: number;
  readonly skewness: number;
}

function momentsOf(values: readonly number[]): Moments {
  const n = values.length;
  const middle = mean(values);
  let [squares, cubes] = [0, 0];
  for (const value of values) {
    squares += (value - middle) ** 2;
    cubes += (value - middle) ** 3;
  }
  const deviation = Math.sqrt(squares / (n - 1));
  return { mean: middle, error: deviation / Math.sqrt(n), skewness: deviation > 0 ? cubes / n / deviation ** 3 : 0 };
}

function leastT(values: readonly number[]): number {
  const { mean: middle, error, skewness } = momentsOf(values);
  if (error === 0) return middle === 0 ? 0 : Math.sign(middle) * Infinity;
  const root = Math.sqrt(values.length);
  const ratio = middle / (error * root); // t / √n
  const corrected =
    ratio + (skewness * ratio ** 2) / 3 + (skewness ** 2 * ratio ** 3) / 27 + skewness / (6 * root ** 2);
  return root * Math.min(ratio, corrected);
}

/** R is looked for between these: what lies beyond is as good as unbounded. */
const FURTHEST = 50;
const HALVINGS = 50;

/** Where a certainty that falls or rises with the ratio passes what is needed; null where it does so nowhere. */
function endOf(certaintyAt: (ratio: number) => number, critical: number, way: "falling" | "rising"): number | null {
  const isCertain = (ratio: number): boolean => certaintyAt(ratio) > critical;
  let [certain, open] = way === "falling" ? [-FURTHEST, FURTHEST] : [FURTHEST, -FURTHEST];
  if (!isCertain(certain) || isCertain(open)) return null;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (certain + open) / 2;
    if (isCertain(middle)) certain = middle;
    else open = middle;
  }
  return open;
}

/**
 * Conditional power by the B-value (Lan & Wittes 1988): how likely the last look is certain, where the drift is by one standard error
 * better than what was seen. Going by what was seen alone would give up on too many at the first look.
 */
function hopeOf(t: number, look: Look): number {
  if (t === Infinity) return 1;
  const share = look.prompts / lastLook.prompts;
  if (share === 1) return t > look.critical ? 1 : 0;
  const root = Math.sqrt(share);
  return normalBelow((t / root + (1 - share) / root - look.lastCritical) / Math.sqrt(1 - share));
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

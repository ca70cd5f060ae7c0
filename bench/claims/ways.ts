import { bootstrap } from "#lib/measure/bootstrap.ts";
import { deliveredGuidance } from "#lib/measure/delivered.ts";
import { protocol } from "#lib/measure/pair-protocol.ts";
import { relativeDistances } from "#lib/measure/row-distances.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate, Way } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { Style } from "../verdicts/styles.ts";
import { type Captions, type Drawn, withPair } from "./draw.ts";

const { sampler, steps, usualGuidance: guidanceScale } = protocol;
const base: Way = { mode: "cfg", guidanceScale, cfgSteps: 0, sampler, steps };

/** Which ways are drawn beside those that every run has. */
export interface WaysWanted {
  /** So many of the first steps are CFG's before the guide takes over; 0 among them. */
  readonly cfgSteps: readonly number[];
  /** CFG is drawn at these too, to say which guidance the guide delivers. */
  readonly weaker: readonly number[];
  /** Whether CFG's first steps are also drawn without a guide after them. */
  readonly interval: boolean;
}

export const allWays: WaysWanted = { cfgSteps: [0, 1, 2, 5, 10], weaker: [2, 3, 4], interval: true };
export const fewWays: WaysWanted = { cfgSteps: [0, 2, 5], weaker: [3], interval: false };

/** One setting of the dial between a guide and CFG. */
export interface DialPoint {
  readonly cfgSteps: number;
  /** Through the base, of one picture. */
  readonly passes: number;
  readonly passesPerStep: number;
  /** Share of what CFG adds to fidelity, with its bootstrap interval over prompts. */
  readonly recovered: number;
  readonly interval: readonly [low: number, high: number];
  /** ‖z − z_CFG‖ / ‖z_CFG‖ of finished latents from the same noise. */
  readonly sameSeedDistance: number;
}

export interface WaysFound {
  readonly fidelity: {
    conditional: number;
    guide: number;
    cfg: number;
    cfgHalfSteps: number;
    cfgAsDelivered: number | null;
  };
  /** Of what only looks at CFG in its first steps, at as many passes as the guide with as many: without a guide. */
  readonly interval: readonly { readonly cfgSteps: number; readonly fidelity: number }[];
  readonly deliveredGuidance: Estimate | null;
  readonly dial: readonly DialPoint[];
  /** From CFG, without guidance. */
  readonly conditionalDistance: number;
}

/** Passes of one picture through the base, over all ways. */
export function passesOf({ cfgSteps, weaker, interval }: WaysWanted): number {
  const dialled = cfgSteps.reduce((sum, k) => sum + steps + k + (interval && k > 0 ? steps + k : 0), 0);
  return steps + 2 * steps * (1 + weaker.length) + steps + dialled + 2 * steps;
}

/** What else takes as many passes as a guide, and what CFG's first steps add to it, all from the same noise. */
export const measureWays = (
  pair: { readonly style: Style; readonly guide: string },
  captions: Captions,
  wanted: WaysWanted,
  runtime: Runtime,
) =>
  withPair(pair, captions, runtime, async (draw): Promise<WaysFound> => {
    const cfg = await draw(base);
    const conditional = await draw({ ...base, mode: "conditional" });
    const half = await draw({ ...base, steps: steps / 2 });
    const dialled: [number, Drawn][] = [];
    const interval: [number, Drawn][] = [];
    for (const cfgSteps of wanted.cfgSteps) {
      dialled.push([cfgSteps, await draw({ ...base, mode: "guide", cfgSteps })]);
      if (wanted.interval && cfgSteps > 0)
        interval.push([cfgSteps, await draw({ ...base, mode: "conditional", cfgSteps })]);
    }
    const guide = dialled[0]![1];
    const weaker = [];
    for (const weak of wanted.weaker)
      weaker.push({ guidanceScale: weak, kept: (await draw({ ...base, guidanceScale: weak })).kept });
    const delivered = deliveredGuidance(
      [{ guidanceScale: 1, kept: conditional.kept }, ...weaker, { guidanceScale, kept: cfg.kept }],
      guide.kept,
    );
    const asDelivered = delivered && (await draw({ ...base, guidanceScale: delivered.guidanceScale.value }));
    return {
      fidelity: {
        conditional: mean(conditional.kept),
        guide: mean(guide.kept),
        cfg: mean(cfg.kept),
        cfgHalfSteps: mean(half.kept),
        cfgAsDelivered: asDelivered && mean(asDelivered.kept),
      },
      interval: interval.map(([cfgSteps, { kept }]) => ({ cfgSteps, fidelity: mean(kept) })),
      deliveredGuidance: delivered && delivered.guidanceScale,
      dial: dialled.map(([cfgSteps, drawn]) => ({
        cfgSteps,
        passes: drawn.passes,
        passesPerStep: drawn.passes / steps,
        ...recoveredOf(conditional, drawn, cfg),
        sameSeedDistance: distanceOf(drawn.latents, cfg.latents),
      })),
      conditionalDistance: distanceOf(conditional.latents, cfg.latents),
    };
  });

/** Paired over prompts. */
function recoveredOf(conditional: Drawn, guide: Drawn, cfg: Drawn): Pick<DialPoint, "recovered" | "interval"> {
  const { value, low, high } = bootstrap(cfg.kept.length, (indices) => {
    const of = ({ kept }: Drawn): number => mean(indices.map((i) => kept[i]!));
    return (of(guide) - of(conditional)) / (of(cfg) - of(conditional));
  });
  return { recovered: value, interval: [low, high] };
}

/** The mean over pictures. */
const distanceOf = (one: FloatTensor, other: FloatTensor): number => mean(relativeDistances(one, other));

import { samplerLabels } from "#lib/sampler-names.ts";
import type { Curve, CurvePoint, Estimate, Way } from "./evidence.ts";

/** Ways to draw, in words, and what a curve says of them: every sentence is made of what was measured. */

/** “CFG at 10 steps of DPM++ 2M”, “CFG for 5 steps, then the guide”. @param usual how many steps all take that are not shortened */
export function nameOfWay({ mode, cfgSteps, steps, sampler }: Way, usual: number): string {
  if (cfgSteps > 0) return `CFG for ${countOf(cfgSteps)}, then ${modeNames[mode]}`;
  return steps < usual ? `${modeNames[mode]} at ${countOf(steps)} of ${samplerLabels[sampler]}` : modeNames[mode];
}

const modeNames = { conditional: "no guidance", guide: "the guide", cfg: "CFG" } as const;
const countOf = (steps: number): string => (steps === 1 ? "1 step" : `${steps} steps`);

export const usualSteps = ({ points }: Pick<Curve, "points">): number => Math.max(...points.map(({ steps }) => steps));

/** The guide alone: what everything else is compared to. */
export const isGuide = ({ mode, cfgSteps }: Way): boolean => mode === "guide" && cfgSteps === 0;

/** Whether fewer steps would do as well, and what else buys more. */
export function findingsOf(curve: Curve): string[] {
  return [insteadOf(curve), firstSteps(curve), delivers(curve)].filter((sentence) => sentence !== null);
}

/** The best of what takes no more passes than the guide. */
function insteadOf({ points, n }: Curve): string | null {
  const guide = points.find(isGuide);
  if (!guide) return null;
  const best = points
    .filter((point) => !isGuide(point) && point.passes <= guide.passes)
    .toSorted((a, b) => b.fidelity.value - a.fidelity.value)[0];
  if (!best) return null;
  const name = nameOfWay(best, usualSteps({ points }));
  const { againstGuide } = best;
  if (againstGuide.high < 0)
    return `With ${guide.passes} passes nothing that was tried keeps as much as the guide: the best of it, ${name}, keeps ${less(againstGuide)} less.`;
  if (againstGuide.low > 0)
    return `With ${guide.passes} passes ${name} keeps ${more(againstGuide)} more than the guide does; here fewer steps are the better choice.`;
  return `With ${guide.passes} passes ${name} may keep as much as the guide: ${n} prompts leave a difference of ${signed(againstGuide.value)} open (95% interval ${signed(againstGuide.low)} to ${signed(againstGuide.high)}).`;
}

/** What the first steps with CFG add to a guide: the least of them that certainly adds something. */
function firstSteps({ points, n }: Curve): string | null {
  const guide = points.find(isGuide);
  const mixed = points.filter(({ mode, cfgSteps }) => mode === "guide" && cfgSteps > 0).toSorted(byPasses);
  const last = mixed.at(-1);
  if (!guide || !last) return null;
  const first = mixed.find(({ againstGuide }) => againstGuide.low > 0);
  return first
    ? `Letting CFG do the first ${countOf(first.cfgSteps)} keeps ${more(first.againstGuide)} more, for ${countOfPasses(first.passes - guide.passes)} more.`
    : `Letting CFG do the first steps, up to ${last.cfgSteps} of them, adds nothing that ${n} prompts can tell.`;
}

const byPasses = (a: CurvePoint, b: CurvePoint): number => a.passes - b.passes;
const countOfPasses = (passes: number): string => (passes === 1 ? "1 pass" : `${passes} passes`);

/** “Asked for 5 it delivers 3.4.” */
export function delivers({ delivered, guidanceScale, n }: Curve): string | null {
  if (!delivered)
    return `CFG keeps no more here at any guidance than pictures without it, so there is no guidance to deliver.`;
  const { value, low, high } = delivered.guidanceScale;
  const asked = `Asked for guidance ${show(guidanceScale)}`;
  if (delivered.isBeyond)
    return `${asked}, the guide keeps more than CFG at any guidance up to ${show(value)}; with 95% certainty as much as CFG at ${show(low)} or more (n = ${n}).`;
  return `${asked}, the guide keeps as much as CFG at guidance ${show(value)} (95% interval ${show(low)} to ${show(high)}, n = ${n}).`;
}

const show = (guidance: number): string => guidance.toFixed(1).replace(/\.0$/, "");
const less = ({ value, low, high }: Estimate): string =>
  `${(-value).toFixed(3)} (95% interval ${(-high).toFixed(3)} to ${(-low).toFixed(3)})`;
const more = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(3)} (95% interval ${low.toFixed(3)} to ${high.toFixed(3)})`;
const signed = (value: number): string => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);

import { studentT } from "./student-t.ts";

/**
 * How many prompts are looked at, and how sure each look has to be: fixed before anything is measured. The error that is allowed in all,
 * 0.025 on each side, is spent over the looks, little on the first ones (α · t^1.5 by the share t of all prompts, a power family: Kim &
 * DeMets 1987), and each look is judged by what it may spend alone. The sum bounds the error however the looks depend on each other;
 * counting their dependence in (Lan & DeMets 1983) would save 4% of the prompts, and lean on a normal distribution that these values
 * do not have. `docs/decisions/the-verdict.md`
 *
 * That error is one for all guides of an author on one model: the k-th that is tried may spend 6 / (π² k²) of it, and over however many
 * that comes to no more than the whole. `docs/decisions/what-nobody-could-train-on.md`
 */
export interface Look {
  readonly prompts: number;
  /** Of the error, on each side. */
  readonly spent: number;
  /** Student's t at 1 − `spent`, with `prompts` − 1 degrees of freedom. */
  readonly critical: number;
  /** That of the last look of the plan. */
  readonly lastCritical: number;
}

export type Plan = readonly [Look, Look, Look, Look];

/** Of the whole error, on each side. */
export const ERROR = 0.025;

const sizes = [48, 96, 192, 384] as const;
const [first, , , last] = sizes;

/** Of the first look of any plan, and of the last. */
export const firstLook = { prompts: first };
export const lastLook = { prompts: last };

/** Where a guide is at its best is chosen on some prompts that everybody may know, and told on others: as many as a first look has. */
export const envelopePrompts = { choosing: 32, pictures: 32 + first } as const;

/** How much of the error the k-th guide that its author has tried on one model may spend. */
export const shareOfError = (tries: number): number => 6 / (Math.PI * tries) ** 2;

const plans = new Map<number, Plan>();

export function planOf(tries: number): Plan {
  const plan = plans.get(tries) ?? makePlan(shareOfError(tries) * ERROR);
  plans.set(tries, plan);
  return plan;
}

function makePlan(error: number): Plan {
  const until = (prompts: number): number => error * (prompts / last) ** 1.5;
  const spent = sizes.map((prompts, i) => until(prompts) - (i === 0 ? 0 : until(sizes[i - 1]!)));
  const criticals = sizes.map((prompts, i) => studentT(spent[i]!, prompts - 1));
  return sizes.map((prompts, i) => ({
    prompts,
    spent: spent[i]!,
    critical: criticals[i]!,
    lastCritical: criticals.at(-1)!,
  })) as [Look, Look, Look, Look];
}

/** The last look that so many prompts make up; null where there are fewer than the first one asks for. */
export const lookAt = (prompts: number, tries: number): Look | null =>
  planOf(tries).findLast((look) => look.prompts <= prompts) ?? null;

/** The number of prompts of the look that comes after so many; null where that was the last. */
export const lookAfter = (prompts: number): number | null => sizes.find((size) => size > prompts) ?? null;

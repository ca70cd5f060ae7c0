/**
 * How many prompts are looked at, and how sure each look has to be: fixed before anything is measured. The error that is allowed in all,
 * 0.025 on each side, is spent over the looks, little on the first ones (α · t^1.5 by the share t of all prompts, a power family: Kim &
 * DeMets 1987), and each look is judged by what it may spend alone. The sum bounds the error however the looks depend on each other;
 * counting their dependence in (Lan & DeMets 1983) would save 4 % of the prompts, and lean on a normal distribution that these values
 * do not have. `docs/decisions/the-verdict.md`
 */
export interface Look {
  readonly prompts: number;
  /** Of the error, on each side. */
  readonly spent: number;
  /** Student's t at 1 − `spent`, with `prompts` − 1 degrees of freedom. */
  readonly critical: number;
}

export const looks = [
  { prompts: 48, spent: 0.001105, critical: 3.238131 },
  { prompts: 96, spent: 0.00202, critical: 2.94671 },
  { prompts: 192, spent: 0.005714, critical: 2.554058 },
  { prompts: 384, spent: 0.016161, critical: 2.148227 },
] as const satisfies readonly Look[];

export const firstLook = looks[0];
export const lastLook = looks[3];

/** The last look that so many prompts make up; null where there are fewer than the first one asks for. */
export const lookAt = (prompts: number): Look | null => looks.findLast((look) => look.prompts <= prompts) ?? null;

/** The look that comes after so many prompts; null where that was the last. */
export const lookAfter = (prompts: number): Look | null => looks.find((look) => look.prompts > prompts) ?? null;

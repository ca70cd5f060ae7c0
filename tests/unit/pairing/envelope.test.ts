import { expect, test } from "vitest";
import { type Envelope, findingsOf, nameOfSetting } from "#lib/pairing/envelope.ts";
import type { Estimate } from "#lib/pairing/estimate.ts";

const at = (value: number, n = 32): Estimate => ({ value, low: value - 0.01, high: value + 0.01, n });

const envelope: Envelope = {
  n: 32,
  others: 48,
  steps: 20,
  none: at(0.7),
  byGuidance: [
    { guidanceScale: 2, cfg: at(0.8), guide: null },
    { guidanceScale: 5, cfg: at(0.9), guide: at(0.85) },
  ],
  bySteps: [],
  byStrength: [
    { strength: 1, guide: at(0.85), delivered: at(0.8), isAllowed: true },
    { strength: 1.5, guide: at(0.95), delivered: at(1.21), isAllowed: false },
    { strength: 2, guide: at(0.9), delivered: at(1.6), isAllowed: false },
  ],
  byCfgSteps: [],
  cfgGuidance: 5,
  best: { guidanceScale: 5, guideStrength: 1.25, cfgSteps: 2, passes: 22 },
  holds: { guidance: { low: 3, high: 5 }, steps: { low: 20, high: 20 } },
  found: {
    none: at(0.71, 48),
    cfg: at(0.91, 48),
    guide: at(0.86, 48),
    best: at(0.88, 48),
    againstGuide: at(0.02, 48),
    againstCfg: at(-0.03, 48),
  },
};

test("says what is best, what CFG keeps at its own best, how far around the guide holds, and what was too strong", () => {
  expect(findingsOf(envelope)).toEqual([
    "At its best here, with strength 1.25, CFG for the first 2 steps, guidance 5, it takes 22 passes. On 48 prompts that nothing was chosen on it then keeps 0.880, and as it was made 0.860: a difference of +0.020 (95% interval +0.010 to +0.030).",
    "CFG, tuned in the same way, is at its best at guidance 5: it keeps 0.910 of the same 48, with 40 passes; the guide at its best less that is −0.030 (95% interval −0.040 to −0.020).",
    "As it was made it keeps at least 70% of what CFG adds at its best at guidance 3 to 5, of what was tried.",
    "With other numbers of steps than 20 it does so only at 20.",
    "Strength 1.5 and more cannot be chosen: one step would add 1.21 times as much as CFG does, and more than 1.15 is too much.",
  ]);
});

test("says that a guide is best as it was made, and that nothing can hold where CFG adds nothing", () => {
  const plain = { ...envelope, none: at(0.9), best: { guidanceScale: 5, guideStrength: 1, cfgSteps: 0, passes: 20 } };
  const [best, , nothing] = findingsOf(plain);
  expect(best).toContain("at its best as it was made");
  expect(nothing).toBe(
    "CFG keeps no more here than pictures without it, so there is no range in which a guide could hold.",
  );
  expect(nameOfSetting({ guidanceScale: 3, guideStrength: 1, cfgSteps: 1 })).toBe(
    "strength 1, CFG for the first step, guidance 3",
  );
});

test("of a guide that does not hold where it is asked, says that and nothing of where else it might", () => {
  const said = findingsOf({ ...envelope, holds: { guidance: null, steps: null } });
  expect(said[2]).toBe("As it was made, at guidance 5, it keeps less than 70% of what CFG adds at its best.");
  expect(said).toHaveLength(4);
});

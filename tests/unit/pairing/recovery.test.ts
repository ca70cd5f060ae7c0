import { describe, expect, test } from "vitest";
import { planOf } from "#lib/pairing/plan.ts";
import { claimsOf, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";

const looks = planOf(1);

/** Prompts of seven attributes: without guidance each is kept with probability `u`, with CFG with `c`; the guide is CFG on a share R of them. */
function prompts(n: number, { u, c, R }: { u: number; c: number; R: number }, seed: number): Scores[] {
  const random = mulberry32(seed);
  const kept = (probability: number): number =>
    Array.from({ length: 7 }, () => random() < probability).filter(Boolean).length / 7;
  return Array.from({ length: n }, () => {
    const [conditional, cfg] = [kept(u), kept(c)];
    return { conditional, cfg, guide: random() < R ? cfg : conditional };
  });
}

describe("what a look is certain of", () => {
  test("is what its interval says", () => {
    for (let seed = 0; seed < 60; seed++)
      for (const look of looks) {
        const scores = prompts(look.prompts, { u: 0.6, c: 0.85, R: 0.3 + (seed % 7) / 10 }, seed);
        const { gain, recovered, claims } = recoveryOf(scores, look);
        expect(claims.gain.isCertain).toBe(gain.low > 0 && recovered !== null);
        if (!recovered) continue;
        expect(claims.verified.isCertain).toBe(recovered.low > 0.7);
        expect(claims.usable.isCertain).toBe(recovered.low > 0.4);
        expect(claims.tooLittle.isCertain).toBe(recovered.high < 0.4);
        expect(recovered.low).toBeLessThan(recovered.value);
        expect(recovered.high).toBeGreaterThan(recovered.value);
      }
  });

  test("narrows with prompts around the true value", () => {
    const widths = looks.map((look) => {
      const { recovered } = recoveryOf(prompts(look.prompts, { u: 0.5, c: 0.9, R: 0.8 }, 3), look);
      expect(recovered!.low).toBeLessThan(0.8);
      expect(recovered!.high).toBeGreaterThan(0.8);
      return recovered!.high - recovered!.low;
    });
    expect(widths).toEqual(widths.toSorted((a, b) => b - a));
  });

  test("a gain near zero makes R anything, and no number of it is shown", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { recovered, claims } = recoveryOf(prompts(48, { u: 0.8, c: 0.8, R: 0.5 }, seed), looks[0]);
      expect(recovered).toBeNull();
      expect(claims.gain.isCertain).toBe(false);
    }
  });

  test("of values without spread is nothing that one prompt more could change", () => {
    const same = (guide: number): Scores[] => Array.from({ length: 48 }, () => ({ conditional: 0, guide, cfg: 1 }));
    expect(claimsOf(same(1), looks[0]).verified.isCertain).toBe(true); // 0.3 on each of 48, and −0.7 on the one counted against it
    expect(claimsOf(same(0.7), looks[0]).verified.isCertain).toBe(false);
    const none = Array.from({ length: 48 }, () => ({ conditional: 0.5, guide: 0.5, cfg: 0.5 }));
    expect(recoveryOf(none, looks[0])).toMatchObject({ gain: { value: 0, low: 0, high: 0 }, recovered: null });
  });

  test("numbers that are none are never certain", () => {
    const broken = prompts(48, { u: 0.2, c: 0.9, R: 1 }, 1).map((one, i) => (i === 3 ? { ...one, guide: NaN } : one));
    const { verified, usable, tooLittle } = claimsOf(broken, looks[0]);
    expect([verified, usable, tooLittle].some(({ isCertain }) => isCertain)).toBe(false);
  });
});

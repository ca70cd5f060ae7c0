import { expect, test } from "vitest";
import { lookAfter, lookAt, planOf, shareOfError } from "#lib/pairing/plan.ts";

test("however many guides an author tries on one model, the looks at all of them spend 0.025, and no more", () => {
  const shares = Array.from({ length: 100_000 }, (_, i) => shareOfError(i + 1));
  const total = shares.reduce((sum, share) => sum + share, 0);
  expect(total).toBeLessThan(1);
  expect(total).toBeGreaterThan(0.9999);
  expect(shares.slice(0, 3).map((share) => Number(share.toFixed(3)))).toEqual([0.608, 0.152, 0.068]);
});

test.each([1, 2, 7, 1000])("the looks at number %i spend its part, little of it first", (tries) => {
  let before = 0;
  for (const { prompts, spent } of planOf(tries)) {
    const until = 0.025 * shareOfError(tries) * (prompts / 384) ** 1.5;
    expect(spent / (until - before)).toBeCloseTo(1, 9);
    before = until;
  }
});

test.each([1, 2, 7])("and each look at number %i is as sure as Student's t asks for", (tries) => {
  for (const { prompts, spent, critical, lastCritical } of planOf(tries)) {
    expect(above(critical, prompts - 1) / spent).toBeCloseTo(1, 4);
    expect(lastCritical).toBe(planOf(tries)[3].critical);
  }
});

test("a number of prompts makes up the last look that it suffices for", () => {
  expect([0, 47, 48, 95, 96, 384, 1000].map((n) => lookAt(n, 2)?.prompts ?? null)).toEqual([
    null,
    null,
    48,
    48,
    96,
    384,
    384,
  ]);
  expect([0, 48, 192, 384].map((n) => lookAfter(n))).toEqual([48, 96, 384, null]);
});

/** P(T > t), by summing the density's ratios to its middle: no formula of the plan's takes part. */
function above(t: number, freedom: number): number {
  const density = (x: number): number => (1 + (x * x) / freedom) ** (-(freedom + 1) / 2);
  const area = (from: number, to: number): number => {
    const parts = 20_000;
    const step = (to - from) / parts;
    let sum = density(from) + density(to);
    for (let i = 1; i < parts; i++) sum += density(from + i * step) * (i % 2 ? 4 : 2);
    return (sum * step) / 3;
  };
  return area(t, 60) / (2 * area(0, 60));
}

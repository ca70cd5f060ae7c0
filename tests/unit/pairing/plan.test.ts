import { expect, test } from "vitest";
import { lookAfter, lookAt, looks } from "#lib/pairing/plan.ts";

test("the looks spend what is allowed, and no more", () => {
  const total = looks.reduce((sum, { spent }) => sum + spent, 0);
  expect(total).toBeCloseTo(0.025, 6);
  let before = 0;
  for (const { prompts, spent } of looks) {
    const until = 0.025 * (prompts / 384) ** 1.5;
    expect(spent).toBeCloseTo(until - before, 6);
    before = until;
  }
});

test("and each is as sure as Student's t asks for", () => {
  for (const { prompts, spent, critical } of looks) expect(above(critical, prompts - 1)).toBeCloseTo(spent, 6);
});

test("a number of prompts makes up the last look that it suffices for", () => {
  expect([0, 47, 48, 95, 96, 384, 1000].map((n) => lookAt(n)?.prompts ?? null)).toEqual([
    null,
    null,
    48,
    48,
    96,
    384,
    384,
  ]);
  expect([0, 48, 192, 384].map((n) => lookAfter(n)?.prompts ?? null)).toEqual([48, 96, 384, null]);
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

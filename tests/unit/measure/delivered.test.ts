import { expect, test } from "vitest";
import { deliveredGuidance, type KeptAt } from "#lib/measure/delivered.ts";

const everywhere = (kept: number): number[] => Array.from({ length: 20 }, () => kept);
const cfg = (...kept: number[]): KeptAt[] => kept.map((one, i) => ({ guidanceScale: 1 + i, kept: everywhere(one) }));

test.each([
  ["halfway between two that were drawn", cfg(0.4, 0.6, 0.8), 0.7, 2.5, false],
  ["as much as no guidance", cfg(0.4, 0.6, 0.8), 0.4, 1, false],
  ["less than no guidance", cfg(0.4, 0.6, 0.8), 0.1, 1, false],
  ["the least, where more keeps no more", cfg(0.4, 0.8, 0.8, 0.6), 0.8, 2, false],
  ["on the way up, where too much keeps less", cfg(0.4, 0.8, 0.5), 0.6, 1.5, false],
  ["more than CFG anywhere: the strongest, and maybe more", cfg(0.4, 0.6, 0.5), 0.9, 3, true],
])("a guide delivers %s", (_, kept, guide, value, isBeyond) => {
  const found = deliveredGuidance(kept, everywhere(guide))!;
  expect(found.isBeyond).toBe(isBeyond);
  for (const one of [found.guidanceScale.value, found.guidanceScale.low, found.guidanceScale.high])
    expect(one).toBeCloseTo(value, 9);
});

test("where CFG keeps nothing more there is nothing to deliver", () => {
  expect(deliveredGuidance(cfg(0.8, 0.8, 0.7), everywhere(0.8))).toBeNull();
});

test("its interval is of prompts that are drawn together: what all ways lose on one prompt says nothing", () => {
  const hard = [0.5, 0.1, 0.3, 0.4, 0.2, 0, 0.5, 0.3];
  const shifted = (by: number): number[] => hard.map((one) => one + by);
  const kept = [0, 0.2, 0.4].map((by, i) => ({ guidanceScale: 1 + i, kept: shifted(by) }));
  const { guidanceScale } = deliveredGuidance(kept, shifted(0.3))!;
  for (const one of [guidanceScale.value, guidanceScale.low, guidanceScale.high]) expect(one).toBeCloseTo(2.5, 9);
});

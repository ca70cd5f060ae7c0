import { describe, expect, test } from "vitest";
import { median, ratio } from "../../../bench/interleave.ts";

describe("figures of a bench", () => {
  test("the median of an even count lies half-way between the middle two, whatever their order", () => {
    expect(median([9, 1, 4, 2])).toBe(3);
  });

  test("a ratio's interval holds the true ratio where rounds scatter around it, and shrinks with more of them", () => {
    const rounds = (count: number): number[] => Array.from({ length: count }, (_, i) => 100 + 10 * Math.sin(i));
    const halves = (count: number): number[] =>
      rounds(count).map((ms, i) => 0.5 * ms * (1 + 0.05 * Math.sin(7 * i + 1)));
    const [few, many] = [ratio(halves(8), rounds(8)), ratio(halves(200), rounds(200))];
    for (const { low, high } of [few, many]) {
      expect(low).toBeLessThanOrEqual(0.5);
      expect(high).toBeGreaterThanOrEqual(0.5);
    }
    expect(many.high - many.low).toBeLessThan(few.high - few.low);
  });

  test("a ratio does not follow one outlier, as a quotient of means would", () => {
    expect(ratio([5, 5, 5, 500, 5], [10, 10, 10, 10, 10]).value).toBe(0.5);
  });
});

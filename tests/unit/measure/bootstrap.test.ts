import { describe, expect, test } from "vitest";
import { bootstrap } from "#lib/measure/bootstrap.ts";
import { mean } from "#lib/pairing/recovery.ts";
import { quantile } from "#lib/util/quantile.ts";

describe("the bootstrap", () => {
  test("gives the interval of a mean that the normal distribution predicts", () => {
    // 400 evenly spread values in [0, 1]: standard error 1 / √(12 · 400) = 0.01443, so ± 1.96 · 0.01443 around 0.5.
    const values = Array.from({ length: 400 }, (_, i) => (i + 0.5) / 400);
    const { value, low, high, n } = bootstrap(400, (indices) => mean(indices.map((i) => values[i]!)));
    expect([value, n]).toEqual([expect.closeTo(0.5, 12), 400]);
    expect(low).toBeCloseTo(0.5 - 1.96 * 0.01443, 2);
    expect(high).toBeCloseTo(0.5 + 1.96 * 0.01443, 2);
  });

  test("draws the same resamples every time", () => {
    const once = bootstrap(10, (indices) => indices[0]! * 100 + indices[9]!);
    expect(bootstrap(10, (indices) => indices[0]! * 100 + indices[9]!)).toEqual(once);
  });

  test("leaves out resamples in which a ratio is not defined", () => {
    const { low, high } = bootstrap(2, (indices) => 1 / indices.reduce((sum, i) => sum + i, 0));
    expect([low, high]).toEqual([0.5, 1]);
  });

  test("quantiles interpolate between order statistics", () => {
    expect([quantile([1, 2, 3, 4], 0), quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 1)]).toEqual([1, 2.5, 4]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

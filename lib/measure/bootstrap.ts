import type { Estimate } from "#lib/pairing/evidence.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { quantile } from "#lib/util/quantile.ts";

const RESAMPLES = 1000;

/**
 * Percentile bootstrap over prompts (Efron 1979): the statistic of `n` prompts, and of 1,000 draws of n prompts with
 * replacement. States of one prompt are strongly correlated, so the prompt is what is drawn, with everything it brought.
 * The draws are the same every time. Resamples without a finite value are left out.
 *
 * @param statistic of the prompts at the given indices
 */
export function bootstrap(n: number, statistic: (indices: readonly number[]) => number): Estimate {
  const random = mulberry32(0x9e3779b9);
  const all = Array.from({ length: n }, (_, i) => i);
  const draws = Array.from({ length: RESAMPLES }, () => statistic(all.map(() => Math.floor(random() * n))))
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  return { value: statistic(all), low: quantile(draws, 0.025), high: quantile(draws, 0.975), n };
}

import type { TimestepSpacing } from "./schedule-settings.ts";

/** Where a grid of timesteps lies. */
export interface Grid {
  /** T: the timesteps of the training. */
  readonly trainTimesteps: number;
  /** The grid stays below this one; T but where a sampler leaves out the noisiest. */
  readonly end?: number;
  readonly spacing: TimestepSpacing;
  readonly count: number;
  /** Added to every timestep of a `leading` grid. */
  readonly offset: number;
}

/**
 * `count` timesteps spread over the schedule, noisiest first: Lin et al. 2024 (arXiv 2305.08891), table 2. Those of
 * `linspace` lie between whole numbers. With many steps or a large offset a `leading` grid may repeat itself or leave
 * the schedule.
 */
export function timestepGrid({ trainTimesteps, end = trainTimesteps, spacing, count, offset }: Grid): number[] {
  if (spacing === "trailing") {
    // NumPy counts from the noisiest in strides of T / count; a last stride that rounding sends below 0 is none.
    const ratio = trainTimesteps / count;
    const stride = end - (end - ratio);
    return Array.from(
      { length: Math.min(count, Math.ceil(end / ratio)) },
      (_, i) => roundHalfEven(end - i * stride) - 1,
    );
  }
  const stride = spacing === "leading" ? Math.floor(end / count) : (end - 1) / Math.max(count - 1, 1);
  const shift = spacing === "leading" ? offset : 0;
  return Array.from({ length: count }, (_, i) => (count - 1 - i) * stride + shift);
}

/** NumPy's rounding: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

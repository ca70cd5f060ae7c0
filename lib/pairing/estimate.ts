/** A measured number with its 95% interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** How many prompts it rests on. */
  readonly n: number;
}

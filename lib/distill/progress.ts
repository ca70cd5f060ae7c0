import type { Plan } from "./plan.ts";

export type DistillStage = "states" | "training" | "held-out";

/** Where a run stands. */
export interface DistillProgress {
  readonly stage: DistillStage;
  readonly done: number;
  readonly total: number;
  /** Until its guide is written; null while nothing says. */
  readonly secondsLeft: number | null;
  /** What it will cost, said once and before all else. */
  readonly plan?: Plan;
  /** Of the last step, once there was one; the rest where it was measured. */
  readonly figures?: {
    readonly loss: number;
    readonly stepsPerSecond: number;
    readonly fvu: number | null;
    readonly delivered: number | null;
  };
}

/** Hears of each piece of work when it is done; it may wait, and it may throw to stop the run. */
export type Tell = (progress: DistillProgress) => Promise<void>;

import { AppError } from "#lib/errors.ts";
import type { Tick } from "#lib/measure/tick.ts";
import type { Tell } from "./progress.ts";
import { ratesAt } from "./rates.ts";
import type { Recipe } from "./recipe.ts";
import type { Checkpoint } from "./run/checkpoint.ts";
import type { HeldOut, History } from "./run/history.ts";
import type { TrainingBatch, TrainingState, TrainingStep } from "./step/training-step.ts";

export interface TrainRequest {
  readonly recipe: Recipe;
  /** Where the checkpoint left it. */
  readonly step: TrainingStep;
  readonly history: History;
  batchOf(step: number): Promise<TrainingBatch>;
  measure(weights: Float32Array, step: number, tick: Tick): Promise<HeldOut>;
  /** Makes a checkpoint the last good one. */
  keep(checkpoint: Checkpoint): Promise<void>;
  /** At most so much work is lost where the process is killed. */
  readonly checkpointSeconds: number;
  readonly tell: Tell;
}

/** The rate is that of the last so many steps. */
const RECENT = 20;

/**
 * Steps until the recipe's last. Whatever ends it earlier, the last good checkpoint stays: one is written when somebody stops it, none of
 * what is not a number.
 *
 * @returns what to make a guide of
 */
export async function train(request: TrainRequest): Promise<Checkpoint> {
  const { recipe, step, tell } = request;
  const { steps } = recipe.training;
  const { losses, gradientNorms, heldOut } = copyOf(request.history);
  const clock = new WorkClock(request.history.seconds.training);
  const recent: number[] = [];
  let [done, keptAt] = [step.state().steps, performance.now()];
  const keep = async (): Promise<Checkpoint> => {
    const state = step.state();
    requireFinite(state);
    const seconds = { ...request.history.seconds, training: clock.seconds };
    const checkpoint = { state, history: { losses, gradientNorms, heldOut, seconds } };
    await request.keep(checkpoint);
    keptAt = performance.now();
    return checkpoint;
  };
  const report = (
    stage: "training" | "held-out",
    at: number,
    total: number,
    look: HeldOut | null = null,
  ): Promise<void> => {
    const stepsPerSecond = recent.length / recent.reduce((sum, one) => sum + one, 0);
    return tell({
      stage,
      done: at,
      total,
      secondsLeft: recent.length > 0 ? (steps - done) / stepsPerSecond : null,
      ...(recent.length > 0 && {
        figures: {
          loss: losses.at(-1)!,
          stepsPerSecond,
          fvu: heldOut.at(-1)?.fvu ?? null,
          delivered: heldOut.at(-1)?.delivered ?? null,
        },
      }),
      ...(look && { look }),
    });
  };

  let isStoppedBetween = true;
  try {
    for (;;) {
      const isDue = done === steps || (done > 0 && done % recipe.heldOut.every === 0);
      if (isDue && heldOut.at(-1)?.step !== done) {
        const look = await request.measure(step.state().average, done, (at, all) => report("held-out", at, all));
        heldOut.push(look);
        await keep();
        await report("held-out", 1, 1, look);
      }
      if (done === steps) return await keep();
      const begun = performance.now();
      isStoppedBetween = false;
      const { loss, gradientNorm } = await step.run(await request.batchOf(done), ratesAt(done, recipe.training));
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw notFinite(done + 1, loss);
      isStoppedBetween = true;
      done++;
      losses.push(Math.fround(loss)); // as a checkpoint has it
      gradientNorms.push(Math.fround(gradientNorm));
      recent.push((performance.now() - begun) / 1000);
      if (recent.length > RECENT) recent.shift();
      if (performance.now() - keptAt >= 1000 * request.checkpointSeconds) await keep();
      await report("training", done, steps);
    }
  } catch (failure) {
    const isAskedTo = failure instanceof AppError && failure.code === "cancelled";
    if (isAskedTo && isStoppedBetween) await keep();
    throw failure;
  }
}

const copyOf = ({ losses, gradientNorms, heldOut }: History) => ({
  losses: [...losses],
  gradientNorms: [...gradientNorms],
  heldOut: [...heldOut],
});

function requireFinite({ steps, ...vectors }: TrainingState): void {
  const isFinite = Object.values(vectors).every((vector) => vector.every(Number.isFinite));
  if (!isFinite) throw notFinite(steps, null);
}

const notFinite = (step: number, loss: number | null): AppError =>
  new AppError(
    "not_finite",
    `${loss === null ? "A weight" : "The loss or its gradient"} is not a number after step ${step}, most often because the steps are too large; begin anew with a smaller --learning-rate. What was before is kept.`,
    { step, loss },
  );

/** Seconds of work, over all sittings. */
class WorkClock {
  readonly #before: number;
  readonly #begun = performance.now();

  constructor(before: number) {
    this.#before = before;
  }

  get seconds(): number {
    return Math.round(10 * this.#before + (performance.now() - this.#begun) / 100) / 10;
  }
}

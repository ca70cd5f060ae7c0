import { expect, test } from "vitest";
import { openTrainingStep, type TrainingState } from "#lib/distill/step/training-step.ts";
import type { ParameterLayout } from "#lib/distill/step/parameter-layout.ts";
import { sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { goldenRates, readTrainingGolden } from "../../support/training-golden.ts";

const golden = await readTrainingGolden();

/** ‖ours − theirs‖ / ‖theirs‖ by parameter, the worst first. */
function errors({ parameters }: ParameterLayout, actual: Float32Array, expected: Float32Array): [string, number][] {
  const error = (offset: number, size: number): number => {
    const part = (vector: Float32Array) => tensor(vector.subarray(offset, offset + size), [size]);
    return relativeError(part(actual), part(expected));
  };
  return parameters
    .map(({ name, shape, offset }): [string, number] => [name, error(offset, sizeOf(shape))])
    .toSorted(([, a], [, b]) => b - a);
}

test("ten steps are PyTorch's: losses, gradients, weights", async () => {
  const { options, batch, layout, losses } = golden;
  const step = await openTrainingStep(options);
  const made: number[] = [];
  let first: TrainingState | null = null;
  for (let i = 0; i < losses.length; i++) {
    made.push((await step.run(batch, goldenRates)).loss);
    first ??= step.state();
  }
  const { weights } = step.state();
  await step.close();

  made.forEach((loss, i) => expect(Math.abs(loss / losses[i]! - 1)).toBeLessThan(1e-4));
  const gradient = first!.firstMoments.map((value) => value / (1 - options.optimizer.beta1));
  expect(errors(layout, gradient, golden.gradient)[0]![1]).toBeLessThan(1e-3);
  const change = weights.map((value, i) => value - options.initial.weights[i]!);
  expect(errors(layout, change, golden.change)[0]![1]).toBeLessThan(1e-3);
});

test("blocks that are computed again give the same gradient", async () => {
  const { options, batch, layout, losses } = golden;
  const step = await openTrainingStep({ ...options, recompute: true });
  const { loss } = await step.run(batch, goldenRates);
  const { firstMoments } = step.state();
  await step.close();
  expect(Math.abs(loss / losses[0]! - 1)).toBeLessThan(1e-4);
  const gradient = firstMoments.map((value) => value / (1 - options.optimizer.beta1));
  expect(errors(layout, gradient, golden.gradient)[0]![1]).toBeLessThan(1e-3);
});

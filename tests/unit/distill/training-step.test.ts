import { describe, expect, test } from "vitest";
import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import { openTrainingStep, type TrainingBatch, type TrainingState } from "#lib/distill/step/training-step.ts";
import { type ParameterLayout, parameterLayout } from "#lib/distill/step/parameter-layout.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { rows, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { freshState, goldenRates, readTrainingGolden } from "../../support/training-golden.ts";

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

describe.each([[[8, 8, 8]], [[4, 20, 12]], [[32, 8, 40]]])("a guide of widths %s", (widths) => {
  const guide = { ...golden.options.guide, widths };
  const layout = parameterLayout(guide);
  const generator = createGenerator(5);
  const initial = freshState(generator.randn([layout.length]).data.map((value) => 0.1 * value));
  const batch = firstRows(golden.batch, 2);
  const options = { ...golden.options, guide, batch: 2, initial };

  test("has the gradient that its loss has along it", async () => {
    const step = await openTrainingStep(options);
    const still = { learningRate: 0, averageDecay: 0 };
    const { gradientNorm } = await step.run(batch, still);
    const gradient = step.state().firstMoments; // clipped and scaled; only its direction is used
    const length = normOf(gradient);
    const lossAt = async (distance: number): Promise<number> => {
      step.restore(freshState(initial.weights.map((value, i) => value + (distance * gradient[i]!) / length)));
      return (await step.run(batch, still)).loss;
    };
    const distance = 0.01;
    const slope = ((await lossAt(distance)) - (await lossAt(-distance))) / (2 * distance);
    await step.close();
    expect(slope / gradientNorm).toBeCloseTo(1, 2);
  });

  test("goes on from a state as if it had never stopped, bit by bit", async () => {
    const whole = await openTrainingStep(options);
    for (let i = 0; i < 2; i++) await whole.run(batch, goldenRates);
    const half = whole.state();
    for (let i = 0; i < 2; i++) await whole.run(batch, goldenRates);
    const resumed = await openTrainingStep({ ...options, initial: half });
    for (let i = 0; i < 2; i++) await resumed.run(batch, goldenRates);
    expect(resumed.state()).toEqual(whole.state());
    expect(half.steps).toBe(2); // a state that was handed out does not go on with the step
    expect(half.weights).not.toEqual(whole.state().weights);
    for (const step of [whole, resumed]) await step.close();
  });
});

test("gradients longer than the clip are cut to it, decay and average are AdamW's", async () => {
  const clip = 1e-4;
  const [learningRate, averageDecay, weightDecay] = [1e-3, 0.9, 0.1];
  const optimizer = { ...golden.options.optimizer, clipNorm: clip, weightDecay };
  const { initial } = golden.options;
  const step = await openTrainingStep({ ...golden.options, batch: 2, optimizer });
  const { gradientNorm } = await step.run(firstRows(golden.batch, 2), { learningRate, averageDecay });
  const { firstMoments, secondMoments, weights, average } = step.state();
  await step.close();
  expect(gradientNorm).toBeGreaterThan(10 * clip);
  expect(normOf(firstMoments) / (0.1 * clip)).toBeCloseTo(1, 2);
  weights.forEach((weight, i) => {
    const change = firstMoments[i]! / 0.1 / (Math.sqrt(secondMoments[i]! / 0.01) + optimizer.epsilon);
    const expected = initial.weights[i]! * (1 - learningRate * weightDecay) - learningRate * change;
    expect(Math.abs(weight - expected)).toBeLessThan(1e-6);
    expect(Math.abs(average[i]! - (0.9 * initial.weights[i]! + 0.1 * weight))).toBeLessThan(1e-6);
  });
});

const normOf = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, value) => sum + value ** 2, 0));

function firstRows(batch: TrainingBatch, count: number): TrainingBatch {
  return {
    latents: rows(batch.latents, 0, count),
    target: rows(batch.target, 0, count),
    conditioning: conditioningRows(batch.conditioning, 0, count),
    timesteps: batch.timesteps.slice(0, count),
    guidanceScales: batch.guidanceScales.slice(0, count),
    lossWeights: batch.lossWeights.slice(0, count),
  };
}

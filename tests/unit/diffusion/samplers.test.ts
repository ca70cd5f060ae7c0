import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { type Level, type Sampler, type SamplerName, toNoise } from "#lib/diffusion/samplers/sampler.ts";
import { parseScheduleConfig, type PredictionType, type Schedule } from "#lib/diffusion/schedule.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

interface GoldenCase {
  readonly case: string;
  readonly steps: number;
  readonly prediction_type: PredictionType;
  readonly timesteps: number[];
  readonly sigmas?: number[];
  readonly x_after_each_step: number[][];
  readonly config: Record<string, unknown>;
}

const { cases } = JSON.parse(readFileSync(new URL("../../golden/samplers/vectors.json", import.meta.url), "utf8")) as {
  cases: GoldenCase[];
};

const names: readonly SamplerName[] = ["ddim", "dpmpp-2m"];
const stableDiffusion = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
  set_alpha_to_one: false,
};
const schedule = parse({});
const start = createGenerator(3).randn([5]);
const goldenStart = tensor(Float32Array.of(1.5, -0.75, 0.25, -2), [4]);

describe("a sampler goes where diffusers goes", () => {
  test.each(cases.map((golden) => [golden.case, golden.steps, golden] as const))(
    "%s in %i steps",
    (_, steps, golden) => {
      const { config, prediction_type, timesteps, sigmas, x_after_each_step } = golden;
      const name = golden.case.includes("ddim") ? "ddim" : "dpmpp-2m";
      const goldenSchedule = parseScheduleConfig({ ...config, prediction_type }, golden.case);
      const sampler = createSampler(name, goldenSchedule, steps);
      expect(timestepsOf(sampler)).toEqual(timesteps);
      for (const [i, sigma] of sigmas?.slice(0, -1).entries() ?? []) {
        expect(Math.abs(sampler.levels[i]!.sigma / sampler.levels[i]!.alpha - sigma)).toBeLessThan(1e-6);
      }
      const noiseAt = (x: FloatTensor, level: Level): FloatTensor =>
        toNoise(analytic(x, level), x, level, prediction_type);
      const states = walk(sampler, goldenStart, noiseAt);
      const worst = Math.max(...states.map(({ data }, i) => relativeDistance(data, x_after_each_step[i]!)));
      expect(worst).toBeLessThan(1e-4);
    },
  );

  // Seven steps do not divide a thousand timesteps; the ends are those of diffusers 0.40.0.dev0 with the same model.
  test.each([
    ["ddim", "leading", [4.771325, -1.692467, 1.008934, -5.75744]],
    ["ddim", "linspace", [6.648735, -3.064537, 0.874885, -9.0618]],
    ["ddim", "trailing", [7.83231, -3.612869, 1.076371, -10.678993]],
    ["dpmpp-2m", "leading", [4.618114, -1.764707, 0.999044, -5.689462]],
    ["dpmpp-2m", "linspace", [7.156998, -3.137495, 1.140037, -9.351638]],
    ["dpmpp-2m", "trailing", [7.154226, -3.13536, 1.139611, -9.35018]],
  ] as const)("%s on an uneven %s grid", (name, spacing, end) => {
    const states = walk(createSampler(name, parse({ timestep_spacing: spacing }), 7), goldenStart, analytic);
    expect(relativeDistance(states.at(-1)!.data, end)).toBeLessThan(1e-4);
  });
});

// The eight-step grids that diffusers resolves from the files as published.
const sd15 = {
  ...stableDiffusion,
  _class_name: "PNDMScheduler",
  skip_prk_steps: true,
  trained_betas: null,
  clip_sample: false,
};
const sdxl = {
  ...sd15,
  _class_name: "EulerDiscreteScheduler",
  interpolation_type: "linear",
  timestep_spacing: "leading",
  use_karras_sigmas: false,
};

test.each([
  ["SD 1.5, which writes no spacing", "ddim", sd15, [876, 751, 626, 501, 376, 251, 126, 1]],
  ["SD 1.5, which writes no spacing", "dpmpp-2m", sd15, [999, 874, 749, 624, 500, 375, 250, 125]],
  ["SDXL, which writes leading", "ddim", sdxl, [876, 751, 626, 501, 376, 251, 126, 1]],
  ["SDXL, which writes leading", "dpmpp-2m", sdxl, [889, 778, 667, 556, 445, 334, 223, 112]],
  [
    "a file that writes trailing",
    "ddim",
    { ...sd15, timestep_spacing: "trailing" },
    [999, 874, 749, 624, 499, 374, 249, 124],
  ],
  [
    "a file that asks for Karras sigmas",
    "dpmpp-2m",
    { ...sd15, use_karras_sigmas: true },
    [999, 890, 746, 549, 299, 90, 12, 0],
  ],
] as const)("the file of %s means these timesteps for %s", (_, name, config, timesteps) => {
  expect(timestepsOf(createSampler(name, parseScheduleConfig(config, "scheduler_config.json"), 8))).toEqual(timesteps);
});

describe.each(names)("%s", (name) => {
  test("has a level for each step, and each keeps the variance", () => {
    const { levels } = createSampler(name, schedule, 20);
    expect(levels).toHaveLength(20);
    for (const { alpha, sigma } of levels) expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 12);
  });

  test.each([0, -1, 1001, 10_000, 2.5, Number.NaN])("refuses %s steps and names the range", (steps) => {
    expect(() => createSampler(name, schedule, steps)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining("from 1 to 1000") }),
    );
  });

  test("refuses a grid that leaves the schedule", () => {
    const offset = parse({ timestep_spacing: "leading", steps_offset: 500 });
    expect(() => createSampler(name, offset, 20)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining("steps_offset 500") }),
    );
    expect(() => createSampler(name, parse({ timestep_spacing: "leading" }), 1000)).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  });

  test("goes the same way beside another walk, again after a walk, and after one that was left half-way", () => {
    const alone = walk(createSampler(name, schedule, 6), start, analytic).at(-1)!;
    const [one, other] = [createSampler(name, schedule, 6), createSampler(name, schedule, 6)];
    let [x, y] = [start, createGenerator(4).randn([5])];
    for (const [stepIndex, level] of one.levels.entries()) {
      x = one.step(x, analytic(x, level), stepIndex);
      y = other.step(y, analytic(y, level), stepIndex);
    }
    expect(x.data).toEqual(alone.data);
    expect(walk(one, start, analytic).at(-1)!.data).toEqual(alone.data);
    one.step(y, y, 0);
    expect(walk(one, start, analytic).at(-1)!.data).toEqual(alone.data);
  });

  test("leaves its inputs as they were", () => {
    const [latents, noise] = [createGenerator(1).randn([5]), createGenerator(2).randn([5])];
    createSampler(name, schedule, 2).step(latents, noise, 0);
    expect(latents.data).toEqual(createGenerator(1).randn([5]).data);
    expect(noise.data).toEqual(createGenerator(2).randn([5]).data);
  });
});

test("dpmpp-2m, which remembers the step before, refuses steps out of order", () => {
  const sampler = createSampler("dpmpp-2m", schedule, 6);
  expect(() => sampler.step(start, start, 1)).toThrow("step 1 must follow step 0");
  sampler.step(start, start, 0);
  expect(() => sampler.step(start, start, 2)).toThrow("step 2 must follow step 1");
});

test("noise is found again in a velocity", () => {
  const [x0, noise] = [createGenerator(1).randn([64]), createGenerator(2).randn([64])];
  for (const level of createSampler("ddim", schedule, 8).levels) {
    const { alpha, sigma } = level;
    const latents = tensor(
      x0.data.map((x, i) => alpha * x + sigma * noise.data[i]!),
      [64],
    );
    const velocity = tensor(
      noise.data.map((e, i) => alpha * e - sigma * x0.data[i]!),
      [64],
    );
    const found = toNoise(velocity, latents, level, "v_prediction");
    expect(Math.max(...found.data.map((e, i) => Math.abs(e - noise.data[i]!)))).toBeLessThan(1e-6);
  }
});

describe("with the ideal denoiser of four points", () => {
  const points = [
    [1, 0.5],
    [-0.5, 1],
    [-1, -0.5],
    [0.5, -1],
  ] as const;
  const noise = createGenerator(0).randn([200, 2]);

  /** ε̂ = (x − α·E[x0 | x]) / σ, where E[x0 | x] is a soft-max over the points. */
  const ideal = (latents: FloatTensor, { alpha, sigma }: Level): FloatTensor => {
    const out = new Float32Array(latents.data.length);
    for (let row = 0; row < out.length; row += 2) {
      const [x, y] = [latents.data[row]!, latents.data[row + 1]!];
      const logits = points.map(([px, py]) => -((x - alpha * px) ** 2 + (y - alpha * py) ** 2) / (2 * sigma ** 2));
      const top = Math.max(...logits);
      const weights = logits.map((logit) => Math.exp(logit - top));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const expected = (axis: 0 | 1): number =>
        weights.reduce((sum, weight, i) => sum + (weight / total) * points[i]![axis], 0);
      out[row] = (x - alpha * expected(0)) / sigma;
      out[row + 1] = (y - alpha * expected(1)) / sigma;
    }
    return tensor(out, latents.shape);
  };

  const medianDistance = (name: SamplerName, steps: number): number => {
    const { data } = walk(createSampler(name, schedule, steps), noise, ideal).at(-1)!;
    const distances = Array.from({ length: 200 }, (_, row) =>
      Math.min(...points.map(([x, y]) => Math.hypot(data[2 * row]! - x, data[2 * row + 1]! - y))),
    );
    return distances.toSorted((a, b) => a - b)[100]!;
  };

  test("DDIM is Euler's method in x/α over σ/α (Song et al. 2021, eq. 13)", () => {
    const sampler = createSampler("ddim", schedule, 10);
    const states = walk(sampler, noise, ideal);
    for (const [i, state] of states.slice(0, -1).entries()) {
      const [level, next] = [sampler.levels[i]!, sampler.levels[i + 1]!];
      const before = states[i - 1] ?? noise;
      const epsilon = ideal(before, level);
      const stride = next.sigma / next.alpha - level.sigma / level.alpha;
      const worst = Math.max(
        ...state.data.map((x, k) =>
          Math.abs(x / next.alpha - (before.data[k]! / level.alpha + stride * epsilon.data[k]!)),
        ),
      );
      expect(worst).toBeLessThan(2e-5);
    }
  });

  test.each(names)("%s ends closer to a point the more steps it takes", (name) => {
    const [five, ten, twenty] = [5, 10, 20].map((steps) => medianDistance(name, steps));
    expect(five).toBeGreaterThan(ten!);
    expect(ten).toBeGreaterThan(twenty!);
    expect(twenty).toBeLessThan(0.05);
  });
});

function parse(change: Record<string, unknown>): Schedule {
  return parseScheduleConfig({ ...stableDiffusion, ...change }, "scheduler_config.json");
}

const timestepsOf = ({ levels }: Sampler): number[] => levels.map(({ timestep }) => timestep);

const relativeDistance = (values: Float32Array, expected: readonly number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(values[i]! / value - 1)));

/** The states after each step. */
function walk(
  sampler: Sampler,
  from: FloatTensor,
  noiseAt: (latents: FloatTensor, level: Level) => FloatTensor,
): FloatTensor[] {
  let latents = from;
  return sampler.levels.map(
    (level, stepIndex) => (latents = sampler.step(latents, noiseAt(latents, level), stepIndex)),
  );
}

/** The model of the golden vectors: 0.35x + 0.2 sin(t/150) + 0.1 cos(3x). */
function analytic(latents: FloatTensor, { timestep }: Level): FloatTensor {
  return tensor(
    latents.data.map((x) => 0.35 * x + 0.2 * Math.sin(timestep / 150) + 0.1 * Math.cos(3 * x)),
    latents.shape,
  );
}

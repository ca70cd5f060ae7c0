import { describe, expect, test } from "vitest";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { noiseSource } from "#lib/diffusion/noise-source.ts";
import { nearestSampler } from "#lib/diffusion/samplers/nearest-sampler.ts";
import { cleanOf, noiseOf } from "#lib/diffusion/samplers/prediction.ts";
import { type Level, noNoise, type Sampler } from "#lib/diffusion/samplers/sampler.ts";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import { type SamplerName, samplerNames } from "#lib/sampler-names.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { analyticNetwork } from "../../support/analytic-network.ts";

const drawsNoise = new Set<SamplerName>(["dpmpp-2m-sde", "euler-a", "lcm"]);
const stableDiffusion = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
  set_alpha_to_one: false,
};
const schedule = parse({});
const start = createGenerator(3).randn([5]);

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

// Grids of diffusers 0.42.1 for the file of SD 1.5: heun asks twice a step but the last, pndm once more.
test.each([
  ["euler", [999, 749.25, 499.5, 249.75, 0]],
  ["heun", [999, 749.25, 749.25, 499.5, 499.5, 249.75, 249.75, 0, 0]],
  ["pndm", [801, 601, 601, 401, 201, 1]],
  ["lcm", [999, 799, 599, 399, 199]],
] as const)("%s asks the network at these timesteps in five steps", (name, timesteps) => {
  const sampler = createSampler(name, parseScheduleConfig(sd15, "scheduler_config.json"), 5);
  expect(timestepsOf(sampler)).toEqual(timesteps);
  expect(sampler.steps).toBe(5);
});

describe.each(samplerNames)("%s", (name) => {
  test("has evaluations for each step, in order, and each keeps the variance", () => {
    const { evaluations, steps } = createSampler(name, schedule, 20);
    expect(steps).toBe(20);
    expect([...new Set(evaluations.map(({ step }) => step))]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    for (const { alpha, sigma } of evaluations) expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 12);
  });

  test.each([0, -1, 1001, 10_000, 2.5, Number.NaN])("refuses %s steps and names the range", (steps) => {
    const range = name === "lcm" ? "from 1 to 50" : "from 1 to 1000";
    expect(() => createSampler(name, schedule, steps)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(range) }),
    );
  });

  test.each([0, -0.5, 1.01, Number.NaN, 0.1])("refuses a strength of %d where that makes no step of 5", (strength) => {
    expect(() => createSampler(name, schedule, 5, { strength })).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(`Strength ${strength}`) }),
    );
  });

  test("goes the same way beside another walk, again after a walk, and after one that was left half-way", () => {
    const alone = walk(createSampler(name, schedule, 6), start, analyticNetwork).at(-1)!;
    const [one, other] = [createSampler(name, schedule, 6), createSampler(name, schedule, 6)];
    let [x, y] = [start, createGenerator(4).randn([5])];
    const [first, second] = [noiseSource(1, [5]), noiseSource(2, [5])];
    for (const [n, level] of one.evaluations.entries()) {
      x = one.step(x, analyticNetwork(x, level), n, first);
      y = other.step(y, analyticNetwork(y, level), n, second);
    }
    expect(x.data).toEqual(alone.data);
    expect(walk(one, start, analyticNetwork).at(-1)!.data).toEqual(alone.data);
    one.step(y, y, 0, first);
    expect(walk(one, start, analyticNetwork).at(-1)!.data).toEqual(alone.data);
  });

  test("refuses evaluations out of order", () => {
    const sampler = createSampler(name, schedule, 6);
    const noise = noiseSource(1, [5]);
    expect(() => sampler.step(start, start, 1, noise)).toThrow("evaluation 1 must follow evaluation 0");
    sampler.step(start, start, 0, noise);
    expect(() => sampler.step(start, start, 2, noise)).toThrow("evaluation 2 must follow evaluation 1");
  });

  test("leaves its inputs as they were", () => {
    const [latents, noise] = [createGenerator(1).randn([5]), createGenerator(2).randn([5])];
    createSampler(name, schedule, 4).step(latents, noise, 0, noiseSource(1, [5]));
    expect(latents.data).toEqual(createGenerator(1).randn([5]).data);
    expect(noise.data).toEqual(createGenerator(2).randn([5]).data);
  });

  test("draws noise of its own, or none", () => {
    const sampler = createSampler(name, schedule, 4);
    const take = (): FloatTensor => sampler.step(start, start, 0, noNoise);
    if (drawsNoise.has(name)) expect(take).toThrow(RangeError);
    else expect(take).not.toThrow();
  });

  test("takes a network that predicts v or x0 where it takes the same one that predicts noise", () => {
    const ends = (["epsilon", "v_prediction", "sample"] as const).map((prediction_type) =>
      walk(createSampler(name, parse({ prediction_type, skip_prk_steps: true }), 8), start, (latents, level) => {
        const noise = analyticNetwork(latents, level);
        const values = latents.data.map((x, i) => {
          const e = noise.data[i]!;
          if (prediction_type === "epsilon") return e;
          const clean = cleanOf.epsilon(e, x, level);
          return prediction_type === "sample" ? clean : level.alpha * e - level.sigma * clean;
        });
        return tensor(values, latents.shape);
      }).at(-1)!,
    );
    // PNDM averages velocities of different levels: another walk than that of the noise, as in diffusers.
    for (const end of name === "pndm" ? [ends[2]!] : ends.slice(1))
      for (const [i, x] of end.data.entries()) expect(Math.abs(x - ends[0]!.data[i]!)).toBeLessThan(1e-4);
  });

  test("begins at noise of unit variance, or at a picture that has as much noise as its first level", () => {
    const [noise, picture] = [createGenerator(1).randn([5]), createGenerator(2).randn([5])];
    const sampler = createSampler(name, schedule, 10);
    const scale = sampler.start(noise).data[0]! / noise.data[0]!;
    expect(scale).toBeGreaterThan(0.99);
    expect(scale).toBeLessThanOrEqual(1);
    const half = createSampler(name, schedule, 10, { strength: 0.5 });
    expect(half.steps).toBe(5);
    const { alpha, sigma } = half.evaluations[0]!;
    const noised = half.start(noise, picture).data;
    for (const [i, x] of noised.entries()) expect(x).toBeCloseTo(alpha * picture.data[i]! + sigma * noise.data[i]!, 6);
  });
});

describe("grids that do not go are refused with a sentence, where diffusers ends in an error or NaN", () => {
  const uncorrected = (change: Record<string, unknown>): Schedule =>
    parseScheduleConfig({ ...stableDiffusion, ...change }, "scheduler_config.json", "stable-diffusion-xl");
  test.each([
    ["ddim", 1000, { timestep_spacing: "leading" }, "begin at timestep 1000"],
    ["ddim", 20, { timestep_spacing: "leading", steps_offset: 500 }, "steps_offset 500"],
    ["pndm", 20, { timestep_spacing: "leading", steps_offset: 500, skip_prk_steps: true }, "steps_offset 500"],
    ["dpmpp-2m", 1000, { timestep_spacing: "linspace" }, "two fall on one level"],
    ["unipc", 999, { timestep_spacing: "leading" }, "two fall on one level"],
    ["pndm", 3, { skip_prk_steps: false }, "4 steps or more"],
    ["ddim", 5, { timestep_spacing: "trailing", rescale_betas_zero_snr: true }, "no signal at timestep 999"],
    ["lcm", 4, { rescale_betas_zero_snr: true }, "no signal at timestep 999"],
    ["unipc", 5, { predict_x0: false }, "cannot end without noise"],
  ] as const)("%s, %i steps, %j", (name, steps, change, says) => {
    expect(() => createSampler(name, uncorrected(change), steps)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(says) }),
    );
  });

  test.each(["euler", "euler-a", "heun"] as const)("%s goes all the same, as theirs does", (name) => {
    const sampler = createSampler(name, uncorrected({ timestep_spacing: "leading", steps_offset: 500 }), 20);
    const { data } = walk(sampler, start, analyticNetwork).at(-1)!;
    expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe("a setting that only another sampler reads does not refuse a model", () => {
  test.each([
    ["solver_order", 5, ["dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde", "unipc"]],
    ["solver_type", "rk4", ["dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde", "unipc"]],
    ["variance_type", "learned_range", ["dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde"]],
    ["use_flow_sigmas", true, ["dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde", "unipc"]],
    ["interpolation_type", "cubic", ["euler"]],
    ["timestep_type", "sideways", ["euler"]],
    ["algorithm_type", "of tomorrow", []],
    ["original_inference_steps", -1, ["lcm"]],
    ["timestep_spacing", "sideways", samplerNames.filter((name) => name !== "lcm")],
    ["final_sigmas_type", "sigma_max", ["dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde", "euler", "unipc"]],
    ["beta_schedule", "exp", samplerNames.filter((name) => name !== "heun")],
  ] as const)("%s %j", (field, value, readers) => {
    const refused = samplerNames.filter((name) => {
      try {
        createSampler(name, parse({ [field]: value }), 6);
        return false;
      } catch (failure) {
        expect(failure).toMatchObject({ code: "unsupported_model", message: expect.stringContaining(`"${field}"`) });
        return true;
      }
    });
    expect(refused).toEqual(readers);
  });

  test("two ways of spreading the levels are refused by name, but where the sampler's own name has one", () => {
    const both = parse({ use_karras_sigmas: true, use_beta_sigmas: true });
    expect(() => createSampler("euler", both, 6)).toThrow('"use_karras_sigmas" and "use_beta_sigmas" are both on');
    expect(createSampler("dpmpp-2m-karras", both, 6).evaluations).toEqual(
      createSampler("dpmpp-2m", parse({ use_karras_sigmas: true }), 6).evaluations,
    );
  });
});

test("a scheduler class has a nearest sampler", () => {
  expect(
    ["PNDMScheduler", "LCMScheduler", "TCDScheduler", "DPMSolverSDEScheduler", "FlowMatchEulerDiscreteScheduler"].map(
      nearestSampler,
    ),
  ).toEqual(["pndm", "lcm", "ddim", "dpmpp-2m-sde", null]);
});

test("noise and the clean latents are found again in a velocity", () => {
  const [x0, noise] = [createGenerator(1).randn([64]), createGenerator(2).randn([64])];
  for (const level of createSampler("ddim", schedule, 8).evaluations) {
    const { alpha, sigma } = level;
    for (const [i, e] of noise.data.entries()) {
      const latents = alpha * x0.data[i]! + sigma * e;
      const velocity = alpha * e - sigma * x0.data[i]!;
      expect(noiseOf.v_prediction(velocity, latents, level)).toBeCloseTo(e, 12);
      expect(cleanOf.v_prediction(velocity, latents, level)).toBeCloseTo(x0.data[i]!, 12);
    }
  }
});

test("noise for a list of seeds is what each seed draws alone, and for one seed what it draws for the batch", () => {
  const shape = [2, 1, 4, 4];
  const each = noiseSource([3, 2n ** 63n + 5n], shape);
  const alone = [createGenerator(3), createGenerator(2n ** 63n + 5n)];
  for (let draw = 0; draw < 2; draw++) {
    const rows = alone.map((generator) => [...generator.randn([1, 1, 4, 4]).data]);
    expect([...each().data]).toEqual(rows.flat());
  }
  expect(noiseSource([3], shape)().data).toEqual(createGenerator(3).randn(shape).data);
  expect(() => noiseSource([1, 2, 3], shape)).toThrow(RangeError);
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
      const [level, next] = [sampler.evaluations[i]!, sampler.evaluations[i + 1]!];
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

  test.each(samplerNames)("%s ends closer to a point the more steps it takes", (name) => {
    const [five, ten, twenty] = [5, 10, 20].map((steps) => medianDistance(name, steps));
    expect(five).toBeGreaterThanOrEqual(ten!); // those that end at a clean level arrive at once
    expect(ten).toBeGreaterThanOrEqual(twenty!);
    expect(twenty).toBeLessThan(0.05);
  });
});

function parse(change: Record<string, unknown>): Schedule {
  return parseScheduleConfig({ ...stableDiffusion, ...change }, "scheduler_config.json");
}

const timestepsOf = ({ evaluations }: Sampler): number[] => evaluations.map(({ timestep }) => timestep);

/** The states after each evaluation. */
function walk(
  sampler: Sampler,
  from: FloatTensor,
  predict: (latents: FloatTensor, level: Level) => FloatTensor,
): FloatTensor[] {
  const drawNoise = noiseSource(1, from.shape);
  let latents = from;
  return sampler.evaluations.map(
    (level, n) => (latents = sampler.step(latents, predict(latents, level), n, drawNoise)),
  );
}

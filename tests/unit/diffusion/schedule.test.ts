import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { symmetricBetaQuantile } from "#lib/diffusion/beta-quantile.ts";
import { alphaBarsOf, plainBetas } from "#lib/diffusion/betas.ts";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import { roundHalfEven, timestepGrid } from "#lib/diffusion/timesteps.ts";

const readJson = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8"));
const golden = readJson("tests/golden/samplers/vectors.json") as { alphas_cumprod: Record<string, number> };
const starter = readJson("starter/storybook/scheduler/scheduler_config.json") as Record<string, unknown>;

const stableDiffusion = { beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 };
const parse = (json: unknown): Schedule => parseScheduleConfig(json, "model/scheduler_config.json");
const alphaBars = (json: unknown): Float32Array => alphaBarsOf(parse(json), plainBetas, "exact");

describe("the noise schedule", () => {
  test.each(Object.entries(golden.alphas_cumprod))(
    "of Stable Diffusion has torch's ᾱ at timestep %s",
    (timestep, alphaBar) => {
      expect(Math.abs(alphaBars(stableDiffusion)[Number(timestep)]! - alphaBar)).toBeLessThan(1e-7);
    },
  );

  test("that is linear is the product of 1 − β, with β from start to end", () => {
    const linear = alphaBars({
      beta_schedule: "linear",
      beta_start: 0.0001,
      beta_end: 0.02,
      num_train_timesteps: 500,
    });
    expect(linear).toHaveLength(500);
    let product = 1;
    for (const [t, alphaBar] of linear.entries()) {
      product *= 1 - (0.0001 + ((0.02 - 0.0001) * t) / 499);
      expect(Math.abs(alphaBar / product - 1)).toBeLessThan(1e-6);
    }
  });

  test("may be given as betas", () => {
    const given = { ...stableDiffusion, num_train_timesteps: 3, trained_betas: [0.5, 0.25, 0.75] };
    expect([...alphaBars(given)]).toEqual([0.5, 0.375, 0.09375]);
  });

  test("without terminal signal keeps its first ᾱ and ends at 0, at 2⁻²⁴, or as it was", () => {
    const rescaled = parse({ ...stableDiffusion, rescale_betas_zero_snr: true });
    const [plain, exact, finite, ignored] = [
      alphaBars(stableDiffusion),
      ...(["exact", "finite", "ignored"] as const).map((zeroSnr) => alphaBarsOf(rescaled, plainBetas, zeroSnr)),
    ];
    expect(Math.abs(exact![0]! / plain[0]! - 1)).toBeLessThan(1e-6);
    expect(exact!.at(-1)).toBe(0);
    expect(finite!.at(-1)).toBe(2 ** -24);
    expect(ignored).toEqual(plain);
  });
});

test("the starter model's own file is read", () => {
  const { settings, ...rest } = parse(starter);
  expect(rest).toEqual({
    file: "model/scheduler_config.json",
    className: "DDIMScheduler",
    predictionType: "epsilon",
    trainTimesteps: 1000,
    unusable: {},
  });
  expect(settings).toMatchObject({
    betaSchedule: "scaled_linear",
    betaStart: 0.00085,
    timestepSpacing: "leading",
    stepsOffset: 1,
    finalAlphaIsOne: false,
    karrasSigmas: null,
  });
});

test("an absent field is silence, whatever class wrote the file, and so is one that it lists as a default", () => {
  for (const _class_name of ["PNDMScheduler", "EulerDiscreteScheduler", "UniPCMultistepScheduler"]) {
    const { settings, predictionType, trainTimesteps, className } = parse({
      _class_name,
      timestep_spacing: "trailing",
      num_train_timesteps: 50,
      prediction_type: "v_prediction",
      use_karras_sigmas: true,
      _use_default_values: ["timestep_spacing", "num_train_timesteps", "prediction_type", "use_karras_sigmas"],
    });
    expect({ predictionType, trainTimesteps, className }).toEqual({
      predictionType: "epsilon",
      trainTimesteps: 1000,
      className: _class_name,
    });
    const { stepsOffset, clipSample, ...others } = settings;
    expect({ stepsOffset, clipSample }).toEqual({ stepsOffset: 1, clipSample: false });
    expect(Object.values(others).every((value) => value === null)).toBe(true);
  }
});

test("a flag that is null is off, and any other null is silence", () => {
  const { settings } = parse({
    set_alpha_to_one: null,
    use_karras_sigmas: null,
    timestep_spacing: null,
    sigma_min: null,
  });
  expect(settings).toMatchObject({
    finalAlphaIsOne: false,
    karrasSigmas: false,
    timestepSpacing: null,
    sigmaMin: null,
    lowerOrderFinal: null,
  });
});

test("Stable Diffusion's pipeline sets two fields right, SDXL's none", () => {
  for (const steps_offset of [0, 3, null, undefined]) {
    const json = { steps_offset, clip_sample: true };
    expect(parse(json).settings).toMatchObject({ stepsOffset: 1, clipSample: false });
    expect(parseScheduleConfig(json, "file", "stable-diffusion-xl").settings).toMatchObject({
      stepsOffset: steps_offset ?? null,
      clipSample: true,
    });
  }
  expect(parseScheduleConfig({}, "file", "stable-diffusion-xl").settings.clipSample).toBeNull();
});

test("a setting that we do not run is kept aside, for the sampler that reads it", () => {
  const { settings, unusable } = parse({ solver_order: 7, algorithm_type: "deis", use_flow_sigmas: true, unknown: {} });
  expect(unusable).toEqual({ solverOrder: "7", flowSigmas: "true" });
  expect(settings).toMatchObject({ solverOrder: null, flowSigmas: null });
});

test("scheduler classes that share the noise are read, and others where they name betas", () => {
  for (const _class_name of ["LCMScheduler", "TCDScheduler", "DDPMScheduler", "KDPM2DiscreteScheduler"])
    expect(parse({ _class_name }).className).toBe(_class_name);
  expect(parse({ ...stableDiffusion, _class_name: "SchedulerOfTomorrow" }).className).toBe("SchedulerOfTomorrow");
});

test.each([
  ["prediction_type", "flow_prediction"],
  ["beta_schedule", "sigmoid"],
  ["num_train_timesteps", 1e9],
  ["num_train_timesteps", 1],
  ["beta_start", 0],
  ["beta_end", 1],
  ["trained_betas", [0.1, 0.2]],
  ["trained_betas", ["0.1"]],
] as const)("a file whose %s is %j is refused by that name", (name, value) => {
  expect(() => parse({ ...starter, [name]: value })).toThrow(refusal(`"${name}`));
});

test.each(["FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler", "SchedulerOfTomorrow"])(
  "%s, which names no betas, is refused by its name",
  (_class_name) => {
    expect(() => parse({ _class_name, shift: 3 })).toThrow(refusal(_class_name));
  },
);

test.each([[null], ["scaled_linear"], [[]], [7]])("%j is refused as the whole", (json) => {
  expect(() => parse(json)).toThrow(refusal("the whole"));
});

test("betas that leave no signal, or add too little noise for float32, are refused", () => {
  expect(() => parse({ beta_start: 0.9, beta_end: 0.99 })).toThrow(refusal("no signal"));
  expect(() => parse({ num_train_timesteps: 2, trained_betas: [0.1, 1e-12] })).toThrow(refusal("no noise"));
});

describe("a grid of timesteps", () => {
  const grid = (spacing: "leading" | "linspace" | "trailing", count: number): number[] =>
    timestepGrid({ trainTimesteps: 1000, spacing, count, offset: 1 });

  test("leads at the first timesteps, trails at the last, and spans both where it is linear", () => {
    expect(grid("leading", 4)).toEqual([751, 501, 251, 1]);
    expect(grid("trailing", 4)).toEqual([999, 749, 499, 249]);
    expect(grid("linspace", 4)).toEqual([999, 666, 333, 0]);
    expect(grid("linspace", 5)).toEqual([999, 749.25, 499.5, 249.75, 0]);
  });

  test("rounds what falls half-way as NumPy does, to its last bit", () => {
    expect(grid("trailing", 48)[3]).toBe(936);
    expect(grid("trailing", 96)[18]).toBe(812);
    expect(roundHalfEven(grid("linspace", 27)[13]!)).toBe(499);
    expect([0.5, 1.5, 2.5, 832.5].map(roundHalfEven)).toEqual([0, 2, 2, 832]);
  });

  test("has as many timesteps as asked for where NumPy's rounding would add one below 0", () => {
    expect(grid("trailing", 61)).toHaveLength(61);
    expect(grid("trailing", 61).at(-1)).toBe(15);
  });
});

// scipy.stats.beta.ppf(p, 0.6, 0.6) of scipy 1.17.1
test.each([
  [0, 0.0],
  [1e-6, 1.8558824624053043e-10],
  [0.01, 0.0008612388215429059],
  [0.1, 0.03958440558878085],
  [0.25, 0.17568037865269498],
  [0.5, 0.5000000000000001],
  [0.9, 0.9604155944112192],
  [0.999, 0.9999814412614826],
  [1, 1.0],
])("the quantile %d of Beta(0.6, 0.6) is scipy's", (probability, quantile) => {
  expect(Math.abs(symmetricBetaQuantile(probability, 0.6) / (quantile || 1) - (quantile ? 1 : 0))).toBeLessThan(1e-12);
});

function refusal(fault: string): unknown {
  const message = expect.stringMatching(new RegExp(`^model/scheduler_config\\.json: .*${fault}`));
  return expect.objectContaining({ code: "unsupported_model", message });
}

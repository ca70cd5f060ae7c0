import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseScheduleConfig, type Schedule, timestepGrid } from "#lib/diffusion/schedule.ts";

const readJson = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8"));
const golden = readJson("tests/golden/samplers/vectors.json") as { alphas_cumprod: Record<string, number> };
const starter = readJson("starter/storybook/scheduler/scheduler_config.json") as Record<string, unknown>;

const stableDiffusion = { beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 };
const parse = (json: unknown): Schedule => parseScheduleConfig(json, "model/scheduler_config.json");

describe("the noise schedule", () => {
  test.each(Object.entries(golden.alphas_cumprod))(
    "of Stable Diffusion has torch's ᾱ at timestep %s",
    (timestep, alphaBar) => {
      expect(Math.abs(parse(stableDiffusion).alphaBars[Number(timestep)]! - alphaBar)).toBeLessThan(1e-7);
    },
  );

  test("that is linear is the product of 1 − β, with β from start to end", () => {
    const { alphaBars } = parse({
      beta_schedule: "linear",
      beta_start: 0.0001,
      beta_end: 0.02,
      num_train_timesteps: 500,
    });
    expect(alphaBars).toHaveLength(500);
    let product = 1;
    for (const [t, alphaBar] of alphaBars.entries()) {
      product *= 1 - (0.0001 + ((0.02 - 0.0001) * t) / 499);
      expect(Math.abs(alphaBar / product - 1)).toBeLessThan(1e-6);
    }
  });

  test("may be given as betas", () => {
    const { alphaBars } = parse({ ...stableDiffusion, num_train_timesteps: 3, trained_betas: [0.5, 0.25, 0.75] });
    expect([...alphaBars]).toEqual([0.5, 0.375, 0.09375]);
  });
});

test("the starter model's own file is read", () => {
  const { alphaBars, ...rest } = parse(starter);
  expect(alphaBars).toHaveLength(1000);
  expect(rest).toEqual({
    predictionType: "epsilon",
    finalAlphaBar: alphaBars[0],
    timestepSpacing: "leading",
    stepsOffset: 1,
    karrasSigmas: false,
  });
});

test("an absent field takes the default of the sampler, not that of the class that wrote the file", () => {
  for (const _class_name of [
    "PNDMScheduler",
    "DDIMScheduler",
    "EulerDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
  ]) {
    const { alphaBars, ...rest } = parse({ _class_name });
    expect(alphaBars).toEqual(
      parse({ beta_schedule: "linear", beta_start: 0.0001, beta_end: 0.02, num_train_timesteps: 1000 }).alphaBars,
    );
    expect(rest).toEqual({
      predictionType: "epsilon",
      finalAlphaBar: 1,
      timestepSpacing: null,
      stepsOffset: 0,
      karrasSigmas: false,
    });
  }
});

test("settings that do not concern our samplers change nothing, and those that do are kept", () => {
  const others = {
    clip_sample: true,
    skip_prk_steps: true,
    interpolation_type: "log_linear",
    lower_order_final: false,
    sigma_min: null,
  };
  const renamed = { solver_type: "bh2", algorithm_type: "deis" };
  expect(parse({ ...stableDiffusion, ...others, ...renamed })).toEqual(parse(stableDiffusion));
  const ours = {
    prediction_type: "v_prediction",
    timestep_spacing: "trailing",
    steps_offset: 3,
    set_alpha_to_one: false,
    use_karras_sigmas: true,
  };
  const chosen = parse({ ...stableDiffusion, ...ours });
  expect(chosen).toMatchObject({
    predictionType: "v_prediction",
    timestepSpacing: "trailing",
    stepsOffset: 3,
    karrasSigmas: true,
    finalAlphaBar: chosen.alphaBars[0],
  });
});

test.each([
  ["thresholding", true],
  ["rescale_betas_zero_snr", true],
  ["prediction_type", "sample"],
  ["prediction_type", null],
  ["beta_schedule", "squaredcos_cap_v2"],
  ["timestep_spacing", "sideways"],
  ["timestep_type", "continuous"],
  ["variance_type", "learned_range"],
  ["algorithm_type", "sde-dpmsolver++"],
  ["solver_order", 3],
  ["solver_type", "heun"],
  ["final_sigmas_type", "sigma_min"],
  ["lambda_min_clipped", -5.1],
  ["sigma_max", 80],
  ["use_lu_lambdas", true],
  ["use_exponential_sigmas", true],
  ["use_beta_sigmas", true],
  ["use_flow_sigmas", true],
  ["_class_name", "FlowMatchEulerDiscreteScheduler"],
  ["num_train_timesteps", 1e9],
  ["num_train_timesteps", 1],
  ["beta_start", 0],
  ["beta_end", 1],
  ["steps_offset", -1],
  ["trained_betas", [0.1, 0.2]],
  ["trained_betas", ["0.1"]],
] as const)("a file whose %s is %j is refused by that name", (name, value) => {
  expect(() => parse({ ...starter, [name]: value })).toThrow(refusal(`"${name}`));
});

test.each([[null], ["scaled_linear"], [[]], [7]])("%j is refused as the whole", (json) => {
  expect(() => parse(json)).toThrow(refusal("the whole"));
});

test("betas that leave no signal, or add too little noise for float32, are refused", () => {
  expect(() => parse({ beta_start: 0.9, beta_end: 0.99 })).toThrow(refusal("no signal"));
  expect(() => parse({ num_train_timesteps: 2, trained_betas: [0.1, 1e-12] })).toThrow(refusal("no noise"));
});

describe("a grid of timesteps", () => {
  const schedule = parse({ ...stableDiffusion, steps_offset: 1 });

  test("ends at the first timesteps where it leads, at the last where it trails, and spans both where it is linear", () => {
    expect(timestepGrid(schedule, "leading", 4)).toEqual([751, 501, 251, 1]);
    expect(timestepGrid(schedule, "trailing", 4)).toEqual([999, 749, 499, 249]);
    expect(timestepGrid(schedule, "linspace", 4)).toEqual([999, 666, 333, 0]);
  });

  test("rounds what falls half-way as NumPy does, to its last bit", () => {
    expect(timestepGrid(schedule, "linspace", 7)).toEqual([999, 832, 666, 500, 333, 166, 0]);
    expect(timestepGrid(schedule, "linspace", 27)[13]).toBe(499);
    expect(timestepGrid(schedule, "trailing", 48)[3]).toBe(936);
    expect(timestepGrid(schedule, "trailing", 96)[18]).toBe(812);
  });
});

function refusal(fault: string): unknown {
  const message = expect.stringMatching(new RegExp(`^model/scheduler_config\\.json: .*${fault}`));
  return expect.objectContaining({ code: "unsupported_model", message });
}

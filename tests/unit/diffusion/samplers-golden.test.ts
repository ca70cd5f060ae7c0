import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { noiseSource } from "#lib/diffusion/noise-source.ts";
import { rescaleGuidance } from "#lib/diffusion/rescale-guidance.ts";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { noNoise, type NoiseSource, type Sampler } from "#lib/diffusion/samplers/sampler.ts";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { analyticNetwork, asTheirs, distance } from "../../support/analytic-network.ts";

interface GoldenCase {
  readonly case: string;
  readonly steps: number;
  readonly timesteps: number[];
  readonly sigmas?: number[];
  readonly x_after_each_step: number[][];
  readonly config: Record<string, unknown>;
}

interface SettingCase extends GoldenCase {
  readonly sampler: SamplerName;
  readonly pipeline?: string;
  readonly noise?: number[][];
  readonly error?: string;
}

interface PictureCase {
  readonly sampler: SamplerName;
  readonly config: string;
  readonly steps: number;
  readonly strength: number;
  readonly seeds: number[];
  readonly made: number;
  readonly timesteps: number[];
  readonly states: number[][];
}

const golden = <T>(folder: string): T =>
  JSON.parse(readFileSync(new URL(`../../golden/${folder}/vectors.json`, import.meta.url), "utf8")) as T;

const bases = golden<{ cases: (GoldenCase & { prediction_type: string })[] }>("samplers").cases;
const settings = golden<{ seed: number; cases: SettingCase[] }>("samplers-all");
const pictures = golden<{
  shape: number[];
  configs: Record<string, unknown>;
  walks: PictureCase[];
  rescale: { phi: number; guided: number[]; conditional: number[]; rescaled: number[] }[];
}>("samplers-from-picture");

const SHAPE = [1, 1, 2, 2];
const START = tensor(Float32Array.of(1.5, -0.75, 0.25, -2), SHAPE);

describe("a sampler goes where diffusers goes under a published file", () => {
  const named: Readonly<Record<string, SamplerName>> = {
    ddim: "ddim",
    ddim_trailing: "ddim",
    dpmpp_2m: "dpmpp-2m",
    dpmpp_2m_karras: "dpmpp-2m-karras",
    euler: "euler",
    unipc: "unipc",
  };
  test.each(bases.map((it) => [it.case, it.steps, it] as const))("%s in %i steps", (_, steps, it) => {
    const schedule = parseScheduleConfig({ ...it.config, prediction_type: it.prediction_type }, it.case);
    expectSameWalk(createSampler(named[it.case.split("/")[1]!]!, schedule, steps), it, noNoise);
  });
});

describe("a sampler goes where diffusers goes, setting by setting", () => {
  test.each(settings.cases.filter(({ error }) => error === undefined).map((it) => [it.case, it] as const))(
    "%s",
    (_, it) => {
      if (isNotFollowed(it)) return;
      const { sampler, steps } = it;
      const drawn: number[][] = [];
      const source = noiseSource(settings.seed, SHAPE);
      const drawNoise = (): ReturnType<NoiseSource> => {
        const noise = source();
        drawn.push([...noise.data]);
        return noise;
      };
      expectSameWalk(createSampler(sampler, read(it), steps), it, drawNoise);
      expect(drawn.length).toBe(it.noise?.length ?? 0);
      for (const [i, noise] of it.noise?.entries() ?? []) expect(distance(drawn[i]!, noise)).toBeLessThan(1e-6);
    },
  );

  test.each(
    settings.cases
      .filter(({ error }) => error !== undefined && !/\bNone\b|NoneType|dtype\('O'\)/.test(error))
      .map((it) => [it.case, it] as const),
  )("%s, which diffusers ends in an error, ends in a sentence or in numbers", (_, it) => {
    const walk = (): number[] => walkOf(createSampler(it.sampler, read(it), it.steps), noiseSource(1, SHAPE)).flat();
    let values: number[] = [];
    try {
      values = walk();
    } catch (failure) {
      expect(failure).toMatchObject({ name: "AppError" });
    }
    expect(values.every(Number.isFinite)).toBe(true);
  });

  // Null where theirs has no meaning for it is silence here: the default.
  test.each(["offset null", "spacing null", "prediction null", "karras null"])("%s is a default", (what) => {
    for (const it of settings.cases.filter((candidate) => candidate.case.endsWith(`/${what}`))) {
      const silent = Object.fromEntries(Object.entries(it.config).filter(([, value]) => value !== null));
      const without = parseScheduleConfig(silent, it.case, "stable-diffusion-xl");
      const ends = [read(it), without].map((schedule) =>
        walkOf(createSampler(it.sampler, schedule, it.steps), noiseSource(1, SHAPE)),
      );
      expect(ends[0]).toEqual(ends[1]);
    }
  });
});

describe("a walk from a picture goes where diffusers' img2img goes", () => {
  test.each(pictures.walks.map((it) => [it.sampler, it.strength, it.steps, it.config, it] as const))(
    "%s, strength %d of %i steps, %s",
    (name, strength, steps, config, it) => {
      const schedule = parseScheduleConfig(pictures.configs[config], config);
      const sampler = createSampler(name, schedule, steps, { strength });
      const drawNoise = noiseSource(it.seeds, pictures.shape);
      const picture = tensor(
        Float32Array.from({ length: 16 }, (_, i) => -1.5 + 0.2 * i),
        pictures.shape,
      );
      const isCut = sampler.evaluations.length === 11; // within Runge-Kutta's three steps, which theirs counts as two
      if (!isCut) expect(sampler.steps).toBe(it.made);
      const start = sampler.start(drawNoise(), picture);
      expect(distance(asTheirs(sampler, start, 0), it.states[0]!)).toBeLessThan(1e-6);
      expectTimesteps(sampler, it.timesteps);
      const states = walkOf(sampler, drawNoise, start);
      for (const [i, state] of states.entries()) expect(distance(state, it.states[i + 1]!)).toBeLessThan(1e-4);
    },
  );
});

test.each(pictures.rescale)("guidance rescale of $phi is diffusers'", ({ phi, guided, conditional, rescaled }) => {
  const [given, plain] = [guided, conditional].map((values) => tensor(Float32Array.from(values), pictures.shape));
  expect(distance(rescaleGuidance(given!, plain!, phi).data, rescaled)).toBeLessThan(1e-6);
});

/** A file as its folder's own class has read it; the pipeline's corrections apply where the case went through one. */
function read({ config, pipeline, case: name }: SettingCase) {
  const plain = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, value === "-Infinity" ? null : value]),
  );
  return parseScheduleConfig(plain, name, pipeline === undefined ? "stable-diffusion-xl" : "stable-diffusion");
}

/**
 * Two things that we do otherwise: what StableDiffusionPipeline set right of a field that the file does not hold is
 * lost again where another scheduler takes its place afterwards, and `dpmpp-2m` is DPM-Solver++ whatever algorithm the
 * file names.
 */
function isNotFollowed({ case: name, sampler, pipeline, config }: SettingCase): boolean {
  const isReplaced = pipeline === "StableDiffusionPipeline" && config.steps_offset === undefined;
  return (isReplaced && (sampler === "ddim" || sampler === "pndm")) || /algorithm_type (sde-)?dpmsolver$/.test(name);
}

function expectSameWalk(sampler: Sampler, it: GoldenCase, drawNoise: NoiseSource): void {
  expectTimesteps(sampler, it.timesteps);
  const ratios = sampler.evaluations.map(({ alpha, sigma }) => sigma / alpha);
  if (it.sigmas)
    for (const [i, ratio] of ratios.entries())
      expect(Math.abs(ratio - it.sigmas[i]!)).toBeLessThan(1e-6 * Math.max(1, ratio));
  // A walk from σ = 4096 loses three digits to cancellation in their float32: x − σ·ε there, x0 at once here.
  const tolerance = ratios[0]! > 4000 ? 1e-3 : 1e-4;
  for (const [i, state] of walkOf(sampler, drawNoise).entries())
    expect(distance(state, it.x_after_each_step[i]!)).toBeLessThan(tolerance);
}

function expectTimesteps({ evaluations }: Sampler, theirs: readonly number[]): void {
  expect(evaluations).toHaveLength(theirs.length);
  for (const [i, { timestep }] of evaluations.entries())
    expect(Math.abs(timestep - theirs[i]!)).toBeLessThanOrEqual(1e-6 * Math.abs(theirs[i]!));
}

/** The states after each evaluation, as diffusers holds them. */
function walkOf(sampler: Sampler, drawNoise: NoiseSource, start = sampler.start(START)): number[][] {
  let latents = start;
  return sampler.evaluations.map((level, n) => {
    latents = sampler.step(latents, analyticNetwork(latents, level), n, drawNoise);
    return [...asTheirs(sampler, latents, n + 1)];
  });
}

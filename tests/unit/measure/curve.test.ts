import { afterAll, beforeAll, expect, test } from "vitest";
import { drawArm, type Start } from "#lib/measure/arm.ts";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import { measureCurve } from "#lib/measure/curve.ts";
import { measureFidelity } from "#lib/measure/fidelity.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import { nameOfWay } from "#lib/pairing/ways.ts";
import { starter, testRuntime } from "../../support/golden.ts";
import { type GuidedWatercolor, openGuidedWatercolor } from "../../support/guided-watercolor.ts";

const prompts = ["a big red house in a meadow", "a small blue boat at sea", "a big green house at night"];
const STEPS = 8;

let model: GuidedWatercolor;
let networks: GuidedWatercolor["networks"];
let start: Start;

beforeAll(async () => {
  model = await openGuidedWatercolor(prompts);
  ({ networks, start } = model);
});
afterAll(() => model[Symbol.asyncDispose]());

const way = (mode: Way["mode"], cfgSteps = 0): Way => ({
  mode,
  guidanceScale: 5,
  cfgSteps,
  sampler: "ddim",
  steps: STEPS,
});
const draw = (one: Way) => drawArm(networks, start, one, [0, prompts.length], async () => {});

test("a way whose steps are all CFG's is CFG, whatever would come after them; of fewer it takes a pass more for each", async () => {
  const cfg = await draw(way("cfg"));
  expect(cfg.passes).toBe(2 * STEPS);
  expect(await draw(way("conditional", STEPS))).toEqual(cfg);
  expect(await draw(way("guide", STEPS))).toEqual(cfg);
  const [none, mixed] = [await draw(way("conditional")), await draw(way("conditional", 3))];
  expect([none.passes, mixed.passes]).toEqual([STEPS, STEPS + 3]);
  for (const other of [none, cfg]) expect(mixed.latents.data).not.toEqual(other.latents.data);
});

test("a curve has what a measurement finds of the same prompts, and of each way how far it is from the guide and from CFG", async () => {
  const evaluator = await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime);
  const request = {
    ...start,
    prompts,
    sampler: "ddim",
    steps: STEPS,
    guidanceScale: 5,
    rowsAtOnce: 2,
    domain: "watercolor",
    decode: async () => expect.unreachable("latents are read"),
  } as const;
  const {
    figures: [figures],
  } = await measureFidelity(
    networks,
    [evaluator],
    { ...request, before: [], available: prompts.length, tries: 1 },
    async () => {},
  );
  const ticks: [number, number][] = [];
  const range = { minGuidance: 3, maxGuidance: 5 };
  const { curve, raw } = await measureCurve(networks, evaluator, { ...request, range }, async (...at) => {
    ticks.push(at);
  });
  expect(ticks.at(-1)![0]).toBe(ticks.at(-1)![1]);

  const { points } = curve;
  expect(points.map((point) => [nameOfWay(point, STEPS), point.passes])).toEqual([
    ["no guidance", 8],
    ["the guide", 8],
    ["CFG at 4 steps of DDIM", 8],
    ["CFG at 4 steps of DPM++ 2M", 8],
    ["CFG for 1 step, then no guidance", 9],
    ["CFG for 1 step, then the guide", 9],
    ["CFG for 2 steps, then no guidance", 10],
    ["CFG for 2 steps, then the guide", 10],
    ["CFG for 4 steps, then no guidance", 12],
    ["CFG for 4 steps, then the guide", 12],
    ["CFG", 16],
  ]);
  const point = (name: string) => points.find((one) => nameOfWay(one, STEPS) === name)!;
  for (const [name, mode] of [
    ["no guidance", "conditional"],
    ["the guide", "guide"],
    ["CFG", "cfg"],
  ] as const) {
    expect(point(name).fidelity).toEqual(figures![mode]);
    expect(point(name).againstGuide.value).toBeCloseTo(figures![mode].value - figures!.guide.value, 12);
  }
  expect(point("CFG").distance).toMatchObject({ value: 0, low: 0, high: 0 });

  const [guide, cfg] = [await draw(way("guide")), await draw(way("cfg"))];
  const own = raw.find(
    ({ mode, guidanceScale, cfgSteps }) => mode === "guide" && guidanceScale === 5 && cfgSteps === 0,
  )!;
  const [of, at] = [guide.latents.data, cfg.latents.data].map((data) => [...data.subarray(0, 4 * 16 * 16)]) as [
    number[],
    number[],
  ];
  expect(own.distance[0]).toBeCloseTo(Math.hypot(...of.map((z, i) => z - at[i]!)) / Math.hypot(...at), 5);

  expect(curve.byGuidance.map(({ guidanceScale, guide: kept }) => [guidanceScale, kept !== null])).toEqual([
    [2, false],
    [3, true],
    [4, true],
    [5, true],
  ]);
  const { distance } = curve.byGuidance.at(-1)!;
  expect(distance!.value).toBeGreaterThan(0);
  expect(distance!.value).toBeLessThan(1);
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GuidancePlan } from "#lib/diffusion/guidance.ts";
import { openGuide } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openSplitUNet } from "#lib/diffusion/unet-networks.ts";
import { drawArm, type Start } from "#lib/measure/arm.ts";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import { measureCurve } from "#lib/measure/curve.ts";
import { measureFidelity } from "#lib/measure/fidelity.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { starter, testRuntime } from "../../support/golden.ts";

const prompts = ["a big red house in a meadow", "a small blue boat at sea", "a big green house at night"];
const STEPS = 8;

let networks: GuidedNetworks;
let start: Start;

beforeAll(async () => {
  const files = await readModelFiles({
    model: starter("watercolor"),
    lowRank: [],
    guide: starter("guide-tiny/guide.safetensors"),
  });
  const parts = unetParts(files, { height: 16, width: 16 });
  const text = await openText({ ...files, lowRank: [] }, testRuntime);
  const size = wholePicture({ height: 128, width: 128 });
  networks = {
    unet: await openSplitUNet(parts, testRuntime),
    guide: await openGuide(files.guide!, parts, testRuntime),
    cfgLayout: "two passes",
  };
  start = {
    schedule: files.model.schedule,
    prompted: await text.condition(prompts, size),
    empty: await text.condition([null], size),
    noise: createGenerator(77).randn([prompts.length, 4, 16, 16]),
  };
});
afterAll(async () => {
  await networks.unet.close();
  await networks.guide!.close();
});

const draw = (mode: GuidancePlan["mode"], cfgSteps = 0) =>
  drawArm(
    networks,
    start,
    { plan: { mode, guidanceScale: 5, cfgSteps }, sampler: "ddim", steps: STEPS },
    [0, prompts.length],
    async () => {},
  );

describe("an arm", () => {
  test("whose steps are all CFG's is CFG, whatever would come after them", async () => {
    const cfg = await draw("cfg");
    expect(cfg.passes).toBe(2 * STEPS);
    expect(await draw("conditional", STEPS)).toEqual(cfg);
    expect(await draw("guide", STEPS)).toEqual(cfg);
  });

  test("takes a pass for each step and one more for each of CFG's, and differs from both of what it mixes", async () => {
    const [none, mixed, all] = [await draw("conditional"), await draw("conditional", 3), await draw("cfg")];
    expect([none.passes, mixed.passes]).toEqual([STEPS, STEPS + 3]);
    for (const other of [none, all]) expect(mixed.latents.data).not.toEqual(other.latents.data);
  });
});

test("a curve keeps what was known, orders by passes, and says of each point how far it is from the guide", async () => {
  const evaluator = await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime);
  const request = {
    ...start,
    sampler: "ddim",
    steps: STEPS,
    guidanceScale: 5,
    rowsAtOnce: 2,
    domain: "watercolor",
    decode: async () => expect.unreachable("latents are read"),
  } as const;
  const fidelity = await measureFidelity(
    networks,
    evaluator,
    { ...request, prompts, before: [], available: prompts.length },
    async () => {},
  );
  const ticks: [number, number][] = [];
  const { n, points } = await measureCurve(networks, evaluator, { ...request, known: fidelity.raw }, async (...at) => {
    ticks.push(at);
  });
  expect(n).toBe(prompts.length);
  expect(ticks.at(-1)![0]).toBe(ticks.at(-1)![1]);
  expect(ticks).toHaveLength(ticks[0]![1]);
  expect(points.map(({ name, passes }) => [name, passes])).toEqual([
    ["without guidance", 8],
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
  const point = (name: string) => points.find((one) => one.name === name)!;
  expect(point("the guide")).toMatchObject({
    fidelity: { value: fidelity.figures.guide.value },
    againstGuide: { value: 0, low: 0, high: 0 },
  });
  expect(point("CFG").fidelity).toEqual(fidelity.figures.cfg);
  expect(point("CFG").againstGuide.value).toBeCloseTo(fidelity.figures.cfg.value - fidelity.figures.guide.value, 12);
});

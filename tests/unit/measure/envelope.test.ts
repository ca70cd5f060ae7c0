import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawArm } from "#lib/measure/arm.ts";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import { bestOf, type EnvelopeRequest, measureEnvelope } from "#lib/measure/envelope.ts";
import type { Evaluator } from "#lib/measure/evaluator.ts";
import { Pieces } from "#lib/measure/pieces.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter, testRuntime } from "../../support/golden.ts";
import { type GuidedWatercolor, openGuidedWatercolor } from "../../support/guided-watercolor.ts";

const prompts = ["a big red house in a meadow", "a small blue boat at sea", "a big green house at night"];
const STEPS = 4;

let model: GuidedWatercolor;
let networks: GuidedWatercolor["networks"];
let evaluator: Evaluator;
let request: EnvelopeRequest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await openGuidedWatercolor(prompts);
  ({ networks } = model);
  evaluator = await openAttributeEvaluator(starter("evaluator/evaluator.safetensors"), testRuntime);
  request = {
    ...model.start,
    prompts,
    choosing: 2,
    sampler: "ddim",
    steps: STEPS,
    guidanceScale: 5,
    range: { minGuidance: 3, maxGuidance: 5 },
    rowsAtOnce: 2,
    stepsNoise: createGenerator(99).randn([2, 4, 16, 16]),
    domain: "watercolor",
    decode: async () => expect.unreachable("latents are read"),
  };
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await evaluator.close();
  await folder.remove();
});

describe("what is chosen", () => {
  const kept = (...means: readonly (readonly [value: number, ...kept: number[]])[]) =>
    new Map(means.map(([value, ...scores]) => [value, scores]));

  test("is what keeps most, where that is more than one standard error better than the usual", () => {
    expect(bestOf(kept([1, 0.5, 0.5, 0.5, 0.5], [2, 0.9, 0.8, 0.9, 0.8]), 1)).toBe(2);
    expect(bestOf(kept([1, 0.5, 0.5, 0.5, 0.5], [2, 0.9, 0.1, 0.9, 0.2]), 1)).toBe(1);
  });

  test("is the nearest to the usual of those that are as good", () => {
    expect(bestOf(kept([0.5, 0.1, 0.1, 0.2], [1.25, 0.8, 0.9, 0.7], [2, 0.9, 0.8, 0.75]), 1)).toBe(1.25);
    expect(bestOf(kept([1, 0.5, 0.6], [2, 0.5, 0.6]), 1)).toBe(1);
  });
});

test("at strength 0 a guide adds nothing, and what it adds at another is not what it adds at 1", async () => {
  const way: Way = { mode: "guide", guidanceScale: 5, cfgSteps: 0, sampler: "ddim", steps: STEPS };
  const draw = async (more: Partial<Way>) =>
    (await drawArm(networks, request, { ...way, ...more }, [0, 1], async () => {})).latents.data;
  expect(await draw({ guideStrength: 0 })).toEqual(await draw({ mode: "conditional" }));
  const asMade = await draw({});
  expect(await draw({ guideStrength: 1 })).toEqual(asMade);
  expect(await draw({ guideStrength: 1.5 })).not.toEqual(asMade);
});

test("an envelope is chosen on the first prompts and told on the others; CFG is drawn once for all guides", async () => {
  const kept = () => ({
    pieces: new Pieces({ folder: folder.path("kept"), key: "watercolor" }, {}),
    keyOf: () => "e",
  });
  const ticks: [number, number][] = [];
  const run = (of: EnvelopeRequest, network = networks) =>
    measureEnvelope(network, evaluator, of, async (...at) => void ticks.push(at));
  const { envelope, raw } = await run({ ...request, kept: kept() });

  expect(ticks.at(-1)![0]).toBe(ticks.at(-1)![1]);
  expect(ticks.every(([done, total]) => done <= total && total === ticks[0]![1])).toBe(true);
  expect([envelope.n, envelope.others]).toEqual([2, 1]);
  expect(envelope.byGuidance.map(({ guidanceScale, guide }) => [guidanceScale, guide !== null])).toEqual([
    [2, false],
    [3, true],
    [5, true],
    [8, false],
  ]);
  expect(envelope.best.guidanceScale).toBe(Math.min(5, Math.max(3, envelope.cfgGuidance)));
  expect(envelope.bySteps.map(({ steps }) => steps)).toEqual([2, 4, 6]);
  expect(envelope.byCfgSteps.map(({ cfgSteps, passes }) => [cfgSteps, passes])).toEqual([
    [0, 4],
    [1, 5],
    [2, 6],
  ]);
  for (const { delivered, isAllowed } of envelope.byStrength) expect(isAllowed).toBe(delivered.value <= 1.15);
  const delivered = envelope.byStrength.map((one) => one.delivered.value);
  expect(delivered.toSorted((a, b) => a - b)).toEqual(delivered); // stronger delivers more
  expect(envelope.byStrength.find(({ strength }) => strength === envelope.best.guideStrength)!.isAllowed).toBe(true);

  // Nothing that is chosen on is told: what came of it is of the third prompt alone.
  const way: Way = {
    mode: "guide",
    cfgSteps: 0,
    guidanceScale: envelope.best.guidanceScale,
    sampler: "ddim",
    steps: STEPS,
  };
  const { latents } = await drawArm(networks, request, way, [2, 3], async () => {});
  const scoring = await evaluator.expect(prompts, "watercolor");
  const { scores } = await scoring.read({ latents, pictures: async () => expect.unreachable() }, 2);
  expect(envelope.found.guide).toMatchObject({ value: scores[0], n: 1 });
  const { latents: first } = await drawArm(networks, request, { ...way, mode: "conditional" }, [0, 2], async () => {});
  const seen = await scoring.read({ latents: first, pictures: async () => expect.unreachable() }, 0);
  expect(raw.find(({ mode, prompts: of }) => mode === "conditional" && of === "chosen on")!.kept).toEqual(seen.scores);

  // Another guide on the same model: nothing of the model's own is drawn again, and what is told of CFG is the same.
  let passes = 0;
  const counting: typeof networks = {
    ...networks,
    unet: {
      ...networks.unet,
      predict: (latents, timestep, texts, residuals) => {
        if (residuals === null) passes++;
        return networks.unet.predict(latents, timestep, texts, residuals);
      },
    },
  };
  const again = await run({ ...request, kept: kept() }, counting);
  expect(again.envelope).toEqual(envelope);
  const ofCfgSteps = again.raw.filter(({ mode, cfgSteps }) => mode === "guide" && cfgSteps > 0);
  const chunks = ofCfgSteps.reduce((sum, { cfgSteps }) => sum + 2 * cfgSteps, 0); // CFG before a guide is that guide's own
  expect(passes).toBe(chunks);
});

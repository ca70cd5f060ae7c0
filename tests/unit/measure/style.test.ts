import { beforeAll, describe, expect, test } from "vitest";
import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { drawArm } from "#lib/measure/arm.ts";
import { squaredMmd } from "#lib/measure/distribution-distance.ts";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import { readEvaluator } from "#lib/measure/open-evaluator.ts";
import { checkPair } from "#lib/measure/pair-check.ts";
import { conditionOn, openNetworks } from "#lib/measure/pair-networks.ts";
import { invert } from "#lib/measure/style/invert.ts";
import { type KnownScenes, knownScenesOf } from "#lib/measure/style/known-scenes.ts";
import { looksOf } from "#lib/measure/style/look.ts";
import { measureStyle } from "#lib/measure/style/measure-style.ts";
import { OWN_STYLE } from "#lib/measure/style/styles-of-pair.ts";
import { type StyleTest, tookOn } from "#lib/pairing/style-test.ts";
import { rows } from "#lib/tensor/tensor.ts";
import { starter, testRuntime } from "../../support/golden.ts";

// On the starter itself: what a model draws anew keeps its content, and comes to look as the model draws.

const guidePath = starter("guide-tiny/guide.safetensors");
const evaluatorPath = starter("evaluator/evaluator.safetensors");
const filesOf = (model: string, lowRank: { path: string; strength: number }[] = []) =>
  readModelFiles({ model: starter(model), lowRank, guide: null });
const neon = (strength: number) => [{ path: starter("neon-lora/neon.safetensors"), strength }];

const opened = async (files: Awaited<ReturnType<typeof filesOf>>, stack: AsyncDisposableStack) =>
  openNetworks(
    files,
    await readGuideFile(guidePath),
    [await readEvaluator(evaluatorPath)],
    { rows: 8, cfg: "one batch of two" },
    testRuntime,
    stack,
  );

let scenes: KnownScenes;
beforeAll(async () => {
  scenes = (await knownScenesOf(await filesOf("storybook")))!;
});

test("scenes are known of the base that draws as they were rendered, and of nothing else", async () => {
  expect(scenes.latents.shape).toEqual([256, 4, 16, 16]);
  expect(scenes.captions).toHaveLength(256);
  expect(await knownScenesOf(await filesOf("watercolor"))).toBeNull();
  expect(await knownScenesOf(await filesOf("storybook", neon(1)))).toBeNull();
});

test("from the noise that a model walks back to it draws the same picture, and from other noise another", async () => {
  await using stack = new AsyncDisposableStack();
  const networks = await opened(await filesOf("storybook"), stack);
  const [count, steps] = [4, 20];
  const latents = rows(scenes.latents, 0, count);
  const { schedule } = networks.files.model;
  const texts = await conditionOn(networks, scenes.captions.slice(0, count));
  const text = conditioningRows(texts.prompted, 0, count);
  const noise = await invert(networks.unet, schedule, { latents, text, steps }, async () => {});
  const way = { mode: "conditional", guidanceScale: 1, cfgSteps: 0, sampler: "ddim", steps } as const;
  const drawn = await drawArm(networks, { schedule, ...texts, noise }, way, [0, count], async () => {});
  const apart = (a: Float32Array, b: Float32Array): number => {
    let [error, size] = [0, 0];
    for (let i = 0; i < a.length; i++) [error, size] = [error + (a[i]! - b[i]!) ** 2, size + b[i]! ** 2];
    return error / size;
  };
  const size = latents.data.length / count;
  for (let i = 0; i < count; i++) {
    const own = latents.data.subarray(i * size, (i + 1) * size);
    const other = ((i + 1) % count) * size;
    expect(apart(drawn.latents.data.subarray(i * size, (i + 1) * size), own)).toBeLessThan(
      0.5 * apart(latents.data.subarray(other, other + size), own),
    );
  }
});

test("what is drawn anew comes to look as the model's own pictures do, and is read", async () => {
  await using stack = new AsyncDisposableStack();
  const networks = await opened(await filesOf("storybook", neon(0.9)), stack);
  const known = networks.evaluators[0]!.network.known!;
  const counts = { scenes: 8, own: 8 };
  const base = await filesOf("storybook");
  let last: readonly number[] = [];
  const tick = async (...at: [number, number]) => void (last = at);
  const [found] = (await measureStyle(networks, [known], base, testRuntime, tick, counts))!;
  expect(last).toEqual([60, 60]);
  expect(found!.scenes).toBe(8);
  expect(found!.read.background.of).toBe(8);
  expect(found!.read.background.right).toBeGreaterThanOrEqual(6);
  expect(found!.read.color.of).toBe(found!.read.size.of);
  expect(found!.distance.after).toBeLessThan(0.5 * found!.distance.before);
  expect(await measureStyle(networks, [known], await filesOf("watercolor"), testRuntime, tick, counts)).toBeNull();
});

test("looks tell styles apart, whatever is shown", () => {
  const [one, two, dark] = looksOf([
    rows(scenes.latents, 0, 64),
    rows(scenes.latents, 64, 128),
    { ...rows(scenes.latents, 128, 192), data: rows(scenes.latents, 128, 192).data.map((x) => 0.5 * x - 0.5) },
  ]);
  expect(squaredMmd(one!, two!, "independent")).toBeLessThan(0.1);
  expect(squaredMmd(one!, dark!, "independent")).toBeGreaterThan(1);
});

describe("a pair in a style that nobody rendered pictures in", () => {
  const share = (right: number, of = 128) => ({ right, of });
  const read = { background: share(128), present: share(100), color: share(60, 190), size: share(185, 190) };
  const style: StyleTest = { scenes: 128, read, distance: { before: 8, after: 1, floor: 0.5 } };
  const measure = (styles: readonly (StyleTest | null)[]) =>
    checkPair(
      {
        model: starter("storybook"),
        lowRank: neon(0.9),
        guide: guidePath,
        base: null,
        evaluators: [evaluatorPath],
        prompts: null,
        styles,
        pictures: 2,
        before: null,
        domain: null,
        kept: null,
        memory: null,
      },
      testRuntime,
      async () => {},
    );

  test("is judged by what is certainly read well in it, and says so", async () => {
    const report = await measure([style]);
    const { fidelity } = report.evidence;
    expect(fidelity).toMatchObject({ domain: OWN_STYLE, scored: ["background", "size"] });
    expect(fidelity!.unscored.map(({ attribute }) => attribute)).toEqual(["present", "color"]);
    expect(fidelity!.notes.join()).toMatch(/hub measured itself, on 128 scenes .* color 60 of 190/);
    expect(report.opinions).toMatchObject([{ style, silence: null }]);
  });

  test("is not judged where the scenes did not take on its look, where nothing is read well, and where none was drawn", async () => {
    const evaluator = await openAttributeEvaluator(evaluatorPath, testRuntime);
    try {
      expect(evaluator.silenceOn(OWN_STYLE)).toMatch(/never tested on this style/);
      evaluator.known!.learn(OWN_STYLE, { ...style, distance: { before: 8, after: 4, floor: 0.5 } });
      expect(evaluator.silenceOn(OWN_STYLE)).toMatch(/did not come to look as the model's own pictures/);
      const half = share(60);
      evaluator.known!.learn(OWN_STYLE, {
        ...style,
        read: { background: half, present: half, color: half, size: half },
      });
      expect(evaluator.silenceOn(OWN_STYLE)).toMatch(/nothing that .* reads well enough.* present 60 of 128/);
      evaluator.known!.learn(OWN_STYLE, style);
      expect(evaluator.silenceOn(OWN_STYLE)).toBeNull();
    } finally {
      await evaluator.close();
    }
  });

  test("a style that is the base's own is taken on from the start", () => {
    expect(tookOn({ ...style, distance: { before: 0.1, after: 0.2, floor: 0.3 } })).toBe(true);
    expect(tookOn({ ...style, distance: { before: 0.1, after: 0.4, floor: 0.3 } })).toBe(false);
  });
});

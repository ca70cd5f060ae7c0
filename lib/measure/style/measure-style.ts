import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { openSplitUNet } from "#lib/diffusion/unet-networks.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import { concat, type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { quantile } from "#lib/util/quantile.ts";
import { drawArm } from "../arm.ts";
import { squaredMmd } from "../distribution-distance.ts";
import type { ReadsKnown } from "../evaluator.ts";
import { conditionOn, drawNoise, type Networks } from "../pair-networks.ts";
import { protocol } from "../pair-protocol.ts";
import type { Tick } from "../tick.ts";
import { invert } from "./invert.ts";
import { type KnownScenes, knownScenesOf } from "./known-scenes.ts";
import { looksOf } from "./look.ts";

/** So many scenes are drawn anew by the model, and of so many others it draws pictures of its own, by which its look is known. */
const usualCounts = { scenes: 128, own: 48 };

/**
 * Enough that things stay what they are: without guidance the model forgets one in ten, which would be counted as misread. Not more: then
 * the prompt would decide what is there, and not the scene.
 */
const GUIDANCE = 2;

/** Everybody may know it: what is drawn here judges no guide. */
const OWN_SEED = 99;

/**
 * How well evaluators read a model's style, where nobody has rendered pictures in it. Scenes whose content is known go backwards through
 * the base that draws as they were rendered, to the noise that they would come from, and from there forwards through the model, with what
 * they show as its prompt: the model draws the same things in its own look. Null where the base is another.
 */
export async function measureStyle(
  networks: Networks,
  evaluators: readonly ReadsKnown[],
  base: ModelFiles,
  runtime: Runtime,
  tick: Tick,
  counts = usualCounts,
): Promise<StyleTest[] | null> {
  const known = await knownScenesOf(base);
  if (known === null) return null;
  const scenes = { captions: known.captions.slice(0, counts.scenes), latents: rows(known.latents, 0, counts.scenes) };
  const others = known.captions.slice(counts.scenes, counts.scenes + counts.own);
  const total = protocol.steps * (2 * batchesOf(counts.scenes, networks) + batchesOf(counts.own, networks));
  let done = 0;
  const onStep = (): Promise<void> => tick(++done, total);
  const noise = await noiseOf(scenes, base, networks, runtime, onStep);
  const anew = await draw(networks, scenes.captions, noise, onStep);
  const own = await draw(networks, others, drawNoise(networks, OWN_SEED, 0, counts.own), onStep);
  const distance = distancesOf(scenes.latents, anew, own);
  const tests: StyleTest[] = [];
  for (const evaluator of evaluators)
    tests.push({ scenes: counts.scenes, read: await evaluator.readKnown(anew, scenes.captions), distance });
  return tests;
}

const batchesOf = (count: number, { rows: atOnce }: Networks): number => Math.ceil(count / atOnce);

/** What comes of all rows, so many at once. */
async function inBatches(
  count: number,
  { rows: atOnce }: Networks,
  work: (begin: number, end: number) => Promise<FloatTensor>,
): Promise<FloatTensor> {
  const parts: FloatTensor[] = [];
  for (let begin = 0; begin < count; begin += atOnce) parts.push(await work(begin, Math.min(begin + atOnce, count)));
  return concat(parts);
}

/** By the base, which is open for no longer than this. */
async function noiseOf(
  { captions, latents }: KnownScenes,
  base: ModelFiles,
  networks: Networks,
  runtime: Runtime,
  onStep: () => Promise<void>,
): Promise<FloatTensor> {
  await using opened = new AsyncDisposableStack();
  const keep = <T extends { close(): Promise<void> }>(network: T): T => opened.adopt(network, (one) => one.close());
  const parts = unetParts(base, ownSize(base.model));
  const unet = keep(await openSplitUNet(parts, runtime));
  const text = keep(await openText(base, runtime));
  const { prompted } = await conditionOn({ text, files: base, parts }, captions);
  return await inBatches(captions.length, networks, (begin, end) => {
    const part = { latents: rows(latents, begin, end), text: conditioningRows(prompted, begin, end) };
    return invert(unet, base.model.schedule, { ...part, steps: protocol.steps }, onStep);
  });
}

async function draw(
  networks: Networks,
  captions: readonly string[],
  noise: FloatTensor,
  onStep: () => Promise<void>,
): Promise<FloatTensor> {
  const start = { schedule: networks.files.model.schedule, ...(await conditionOn(networks, captions)), noise };
  const { sampler, steps } = protocol;
  const way = { mode: "cfg", guidanceScale: GUIDANCE, cfgSteps: 0, sampler, steps } as const;
  return inBatches(captions.length, networks, async (begin, end) => {
    const { latents } = await drawArm(networks, start, way, [begin, end], onStep);
    return latents;
  });
}

const SPLITS = 100;

function distancesOf(scenes: FloatTensor, anew: FloatTensor, own: FloatTensor): StyleTest["distance"] {
  const [before, after, its] = looksOf([scenes, anew, own]) as [FloatTensor, FloatTensor, FloatTensor];
  const random = mulberry32(0x5eed);
  const count = its.shape[0]!;
  const byChance = Array.from({ length: SPLITS }, () => {
    const order = Array.from({ length: count }, (_, i) => ({ i, at: random() })).toSorted((a, b) => a.at - b.at);
    const half = (from: number, to: number): FloatTensor =>
      concat(order.slice(from, to).map(({ i }) => rows(its, i, i + 1)));
    return squaredMmd(half(0, count >> 1), half(count >> 1, count), "independent");
  });
  return {
    before: squaredMmd(before, its, "independent"),
    after: squaredMmd(after, its, "independent"),
    floor: quantile(
      byChance.toSorted((a, b) => a - b),
      0.975,
    ),
  };
}

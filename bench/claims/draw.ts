import { drawAndRead, readersFor } from "#lib/measure/arm.ts";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import type { Comparison } from "#lib/measure/comparison.ts";
import { conditionOn, drawNoise } from "#lib/measure/pair-networks.ts";
import { study, type StudyPlace, type StudyRequest } from "#lib/measure/study.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import { concat, type FloatTensor } from "#lib/tensor/tensor.ts";
import { evaluator, type Style, unitOf } from "../verdicts/styles.ts";

/** Pictures of some prompts, drawn one way. */
export interface Drawn {
  readonly way: Way;
  /** Through the base, of one picture. */
  readonly passes: number;
  /** Of each picture, the share of what its prompt asks for. */
  readonly kept: readonly number[];
  readonly latents: FloatTensor;
  readonly features: FloatTensor;
}

/** Which prompts are drawn and from which noise. */
export interface Captions {
  readonly count: number;
  /** By which they are drawn from those that stand in no training caption; null: one thing or two, as the training has them. */
  readonly key: string | null;
  readonly seed: number;
}

export type Draw = (way: Way, captions?: Captions) => Promise<Drawn>;

/** Opens a pair of the starter, and draws with it in as many ways as `work` asks for. */
export async function withPair<Result>(
  { style, guide }: { readonly style: Style; readonly guide: string },
  captions: Captions,
  runtime: Runtime,
  work: (draw: Draw) => Promise<Result>,
): Promise<Result> {
  const request: StudyRequest = {
    ...unitOf(style),
    guide,
    evaluators: [evaluator],
    prompts: null,
    pictures: 1,
    domain: style,
    kept: null,
    memory: null,
  };
  const subject = { cannot: "claims cannot be measured", compared: "ways of drawing" };
  const { found } = await study(
    request,
    runtime,
    subject,
    (place) => work(async (way, own = captions) => drawWay(place, await captionsOf(own, runtime), own.seed, way)),
    () => [],
  );
  return found;
}

async function drawWay(
  { networks, evaluator: reader, drawing }: StudyPlace,
  prompts: readonly string[],
  seed: number,
  way: Way,
): Promise<Drawn> {
  const request: Comparison = {
    ...drawing,
    prompts,
    ...(await conditionOn(networks, prompts)),
    noise: drawNoise(networks, seed, 0, prompts.length),
    kept: null,
  };
  const readers = await readersFor([reader], request);
  const kept: number[] = [];
  const [latents, features]: [FloatTensor[], FloatTensor[]] = [[], []];
  let passes = 0;
  for (let begin = 0; begin < prompts.length; begin += request.rowsAtOnce) {
    const end = Math.min(begin + request.rowsAtOnce, prompts.length);
    const drawn = await drawAndRead(networks, readers, request, way, [begin, end], async () => {});
    const [seen] = drawn.seen;
    kept.push(...seen!.scores);
    latents.push(drawn.latents);
    features.push(seen!.features);
    passes = drawn.passes;
  }
  return { way, passes, kept, latents: concat(latents), features: concat(features) };
}

/** The prompts themselves, in an order that does not change. */
async function captionsOf({ count, key }: Captions, runtime: Runtime): Promise<readonly string[]> {
  const network = await openAttributeEvaluator(evaluator, runtime);
  try {
    return network.ownPrompts(count, key)!.slice(0, count);
  } finally {
    await network.close();
  }
}

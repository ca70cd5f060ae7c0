import { type Conditioning, conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { inOrder } from "#lib/util/in-order.ts";
import type { Evaluator, Scoring, Seen } from "./evaluator.ts";
import { hashOf, type Piece, type Pieces } from "./pieces.ts";

/** What all ways draw from. */
export interface Start {
  readonly schedule: Schedule;
  /** A row for each prompt, and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** [n, C, H, W]; every way starts from it. */
  readonly noise: FloatTensor;
}

/** Rows drawn one way: their finished latents, and how many passes through the base one of them took. */
export interface Arm {
  readonly latents: FloatTensor;
  readonly passes: number;
}

type Rows = readonly [begin: number, end: number];

/** Rows `begin` to `end` drawn one way. */
export async function drawArm(
  networks: GuidedNetworks,
  { schedule, prompted, empty, noise }: Start,
  { sampler, steps, ...plan }: Way,
  [begin, end]: Rows,
  onStep: () => Promise<void>,
): Promise<Arm> {
  let drawn = { latents: rows(noise, begin, end), passes: 0 };
  const texts = {
    conditional: conditioningRows(prompted, begin, end),
    unconditional: repeatConditioning(empty, end - begin),
  };
  for await (const { latents, passes } of denoise(networks, {
    plan,
    schedule,
    sampler,
    steps,
    noise: drawn.latents,
    texts,
  })) {
    drawn = { latents, passes };
    await onStep();
  }
  return drawn;
}

/** What is drawn and read. */
export interface Reading extends Start {
  readonly prompts: readonly string[];
  /** The name by which evaluators may know the style. */
  readonly domain: string | null;
  /** Latents as pictures, for an evaluator that looks at those. */
  decode(latents: FloatTensor): Promise<readonly Picture[]>;
  /** Where what the model does by itself is kept; null: nowhere. */
  readonly kept?: Kept | null;
}

export interface Kept {
  readonly pieces: Pieces;
  /** By which an evaluator is known: what it reads is kept too. */
  keyOf(evaluator: Evaluator): string;
}

/** An evaluator that has read the prompts. */
export interface Reader {
  readonly evaluator: Evaluator;
  readonly scoring: Scoring;
}

export const readersFor = (
  evaluators: readonly Evaluator[],
  { prompts, domain }: Pick<Reading, "prompts" | "domain">,
): Promise<Reader[]> =>
  inOrder(evaluators, async (evaluator) => ({ evaluator, scoring: await evaluator.expect(prompts, domain) }));

/**
 * Rows drawn one way and read by each evaluator. What has no guide in it is looked for among what is kept, and kept for the next guide:
 * so many steps are told of as if they had been made.
 */
export async function drawAndRead(
  networks: GuidedNetworks,
  readers: readonly Reader[],
  request: Reading,
  way: Way,
  [begin, end]: Rows,
  onStep: () => Promise<void>,
): Promise<Arm & { readonly seen: readonly Seen[] }> {
  const kept = way.mode === "guide" ? null : (request.kept ?? null);
  const recipe = {
    what: "drawn",
    ...recipeOf(way),
    prompts: request.prompts.slice(begin, end),
    noise: hashOf(rows(request.noise, begin, end)),
  };
  const known = kept && toArm(await kept.pieces.read(recipe));
  const arm = known ?? (await drawArm(networks, request, way, [begin, end], onStep));
  if (known) for (let step = 0; step < way.steps; step++) await onStep();
  else await kept?.pieces.write(recipe, { tensors: new Map([["latents", arm.latents]]), numbers: [arm.passes] });
  const drawn = { latents: arm.latents, pictures: onceOnly(() => request.decode(arm.latents)) };
  const seen = await inOrder(readers, async ({ evaluator, scoring }): Promise<Seen> => {
    if (!kept) return scoring.read(drawn, begin);
    const asRead = { ...recipe, what: "read", by: kept.keyOf(evaluator), domain: request.domain };
    const read = toSeen(await kept.pieces.read(asRead));
    if (read) return read;
    const { scores, features } = await scoring.read(drawn, begin);
    await kept.pieces.write(asRead, { tensors: new Map([["features", features]]), numbers: scores });
    return { scores, features };
  });
  return { ...arm, seen };
}

/** Whatever guidance is asked for, without any there is none. */
const recipeOf = ({ mode, guidanceScale, cfgSteps, sampler, steps }: Way): object => ({
  mode,
  guidanceScale: mode === "conditional" && cfgSteps === 0 ? null : guidanceScale,
  cfgSteps,
  sampler,
  steps,
});

function toArm(piece: Piece | null): Arm | null {
  const latents = piece?.tensors.get("latents");
  return latents ? { latents, passes: piece!.numbers[0]! } : null;
}

function toSeen(piece: Piece | null): Seen | null {
  const features = piece?.tensors.get("features");
  return features ? { features, scores: piece!.numbers } : null;
}

/** Decoded for the first evaluator that looks at pictures, and not again for the next. */
function onceOnly<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

import type { GuidanceMode, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Estimate, Fidelity } from "#lib/pairing/evidence.ts";
import { lookAt } from "#lib/pairing/plan.ts";
import { mean, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { concat, type FloatTensor } from "#lib/tensor/tensor.ts";
import { drawArm, type Start } from "./arm.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { bootstrap } from "./bootstrap.ts";
import { distributionDistance } from "./distribution-distance.ts";
import type { Evaluator } from "./evaluator.ts";
import type { KeptAlone } from "./teacher.ts";
import type { Tick } from "./tick.ts";

export interface FidelityRequest extends Start {
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly prompts: readonly string[];
  readonly rowsAtOnce: number;
  /** Latents as pictures, for an evaluator that looks at those. */
  decode(latents: FloatTensor): Promise<readonly Picture[]>;
  /** The name by which the evaluator may know the style. */
  readonly domain: string | null;
  /** What the model keeps by itself, as each evaluator reads it, where another guide's measurement has drawn it. */
  readonly known?: readonly KeptAlone[] | null;
  /** What earlier looks drew. */
  readonly before: readonly KeptShares[];
  /** How many prompts there are to draw in all. */
  readonly available: number;
  /** The how manieth guide of its author on this model. */
  readonly tries: number;
}

/** By prompt: how well the picture of each mode keeps to it, as an evaluator scores that, and as the others do where there are some. */
export type KeptShares = Scores & { readonly prompt: string; readonly others?: readonly Scores[] };

const unread: Scores = { conditional: NaN, guide: NaN, cfg: NaN };

/** As one of the evaluators scored the pictures. */
export const scoresOf = (kept: readonly KeptShares[], evaluator: number): Scores[] =>
  kept.map((one) => (evaluator === 0 ? one : (one.others?.[evaluator - 1] ?? unread)));

/** L4: draws every prompt in all three modes from the same noise and has each evaluator score the pictures. */
export async function measureFidelity(
  networks: GuidedNetworks,
  evaluators: readonly Evaluator[],
  request: FidelityRequest,
  tick: Tick,
): Promise<{ figures: Fidelity[]; raw: KeptShares[]; alone: KeptAlone[] }> {
  const { prompts, rowsAtOnce, known } = request;
  const modes = known ? (["guide"] as const) : (["conditional", "guide", "cfg"] as const);
  const readers = await inOrder(evaluators, async (evaluator, i) => ({
    evaluator,
    scoring: await evaluator.expect(prompts, request.domain),
    ...startOf(known?.[i] ?? null),
  }));
  const total = modes.length * Math.ceil(prompts.length / rowsAtOnce) * request.steps;
  let done = 0;
  for (let begin = 0; begin < prompts.length; begin += rowsAtOnce) {
    const end = Math.min(begin + rowsAtOnce, prompts.length);
    for (const mode of modes) {
      const { sampler, steps, guidanceScale } = request;
      const way = { mode, guidanceScale, cfgSteps: 0, sampler, steps };
      const { latents } = await drawArm(networks, request, way, [begin, end], () => tick(++done, total));
      const drawn = { latents, pictures: onceOnly(() => request.decode(latents)) };
      for (const { scoring, scores, features } of readers) {
        const seen = await scoring.read(drawn, begin);
        scores[mode].push(...seen.scores);
        features[mode].push(seen.features);
      }
    }
  }
  const drawn = prompts.map((prompt, i): KeptShares => {
    const [first, ...others] = readers.map(({ scores: { conditional, guide, cfg } }) => ({
      conditional: conditional[i]!,
      guide: guide[i]!,
      cfg: cfg[i]!,
    }));
    return { prompt, ...first!, ...(others.length > 0 && { others }) };
  });
  const raw = [...request.before, ...drawn];
  const { available, guidanceScale, tries } = request;
  const read = readers.map(({ evaluator, scoring, scores, features }, place) => {
    const { scored, unscored, domain, notes } = scoring;
    const [conditional, guide, cfg] = (["conditional", "guide", "cfg"] as const).map((mode) =>
      concat(features[mode]),
    ) as [FloatTensor, FloatTensor, FloatTensor];
    return {
      figures: {
        ...summarise(scoresOf(raw, place), tries),
        evaluator: evaluator.kind,
        available,
        tries,
        guidanceScale,
        scored,
        unscored,
        domain,
        notes,
        distances: { conditional: distributionDistance(conditional, cfg), guide: distributionDistance(guide, cfg) },
      },
      alone: { conditional: scores.conditional, cfg: scores.cfg, features: { conditional, cfg } },
    };
  });
  return { figures: read.map(({ figures }) => figures), raw, alone: read.map(({ alone }) => alone) };
}

/** What one evaluator has seen, of what the model does by itself where that is known. */
function startOf(known: KeptAlone | null): {
  readonly scores: Readonly<Record<GuidanceMode, number[]>>;
  readonly features: Readonly<Record<GuidanceMode, FloatTensor[]>>;
} {
  return {
    scores: { conditional: [...(known?.conditional ?? [])], guide: [], cfg: [...(known?.cfg ?? [])] },
    features: {
      conditional: known ? [known.features.conditional] : [],
      guide: [],
      cfg: known ? [known.features.cfg] : [],
    },
  };
}

/** Decoded for the first evaluator that looks at pictures, and not again for the next. */
function onceOnly<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

/** Means with their own intervals, and CFG's gain and the recovered share of it with those of the plan. */
export function summarise(
  scores: readonly Scores[],
  tries: number,
): Pick<Fidelity, "conditional" | "guide" | "cfg" | "gain" | "recovered" | "claims" | "unreadable"> {
  const n = scores.length;
  const over = (of: (one: Scores) => number): Estimate =>
    bootstrap(n, (indices) => mean(indices.map((i) => of(scores[i]!))));
  const modes = ["conditional", "guide", "cfg"] as const;
  const means = {
    conditional: over(({ conditional }) => conditional),
    guide: over(({ guide }) => guide),
    cfg: over(({ cfg }) => cfg),
    unreadable: modes.filter((mode) => !scores.every((one) => Number.isFinite(one[mode]))),
  };
  const look = lookAt(n, tries);
  return look === null
    ? { ...means, gain: over(({ cfg, conditional }) => cfg - conditional), recovered: null, claims: null }
    : { ...means, ...recoveryOf(scores.slice(0, look.prompts), look) };
}

import type { GuidanceMode, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Estimate, Fidelity } from "#lib/pairing/evidence.ts";
import { lookAt } from "#lib/pairing/plan.ts";
import { mean, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";
import { concat, type FloatTensor } from "#lib/tensor/tensor.ts";
import { drawAndRead, readersFor, type Reading } from "./arm.ts";
import { bootstrap } from "./bootstrap.ts";
import { distributionDistance } from "./distribution-distance.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Tick } from "./tick.ts";

export interface FidelityRequest extends Reading {
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly rowsAtOnce: number;
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
): Promise<{ figures: Fidelity[]; raw: KeptShares[] }> {
  const { prompts, rowsAtOnce, sampler, steps } = request;
  const readers = (await readersFor(evaluators, request)).map((reader) => ({ ...reader, ...nothingRead() }));
  const total = modes.length * Math.ceil(prompts.length / rowsAtOnce) * steps;
  let done = 0;
  for (let begin = 0; begin < prompts.length; begin += rowsAtOnce) {
    const end = Math.min(begin + rowsAtOnce, prompts.length);
    for (const mode of modes) {
      const way = { mode, guidanceScale: request.guidanceScale, cfgSteps: 0, sampler, steps };
      const tell = (): Promise<void> => tick(++done, total);
      const { seen } = await drawAndRead(networks, readers, request, way, [begin, end], tell);
      for (const [place, { scores, features }] of readers.entries()) {
        scores[mode].push(...seen[place]!.scores);
        features[mode].push(seen[place]!.features);
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
  const figures = readers.map(({ evaluator, scoring, features }, place) => {
    const { scored, unscored, domain, notes } = scoring;
    const [conditional, guide, cfg] = modes.map((mode) => concat(features[mode])) as [
      FloatTensor,
      FloatTensor,
      FloatTensor,
    ];
    return {
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
    };
  });
  return { figures, raw };
}

const modes = ["conditional", "guide", "cfg"] as const;

const nothingRead = (): {
  readonly scores: Readonly<Record<GuidanceMode, number[]>>;
  readonly features: Readonly<Record<GuidanceMode, FloatTensor[]>>;
} => ({
  scores: { conditional: [], guide: [], cfg: [] },
  features: { conditional: [], guide: [], cfg: [] },
});

/** Means with their own intervals, and CFG's gain and the recovered share of it with those of the plan. */
export function summarise(
  scores: readonly Scores[],
  tries: number,
): Pick<Fidelity, "conditional" | "guide" | "cfg" | "gain" | "recovered" | "claims" | "unreadable"> {
  const n = scores.length;
  const over = (of: (one: Scores) => number): Estimate =>
    bootstrap(n, (indices) => mean(indices.map((i) => of(scores[i]!))));
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

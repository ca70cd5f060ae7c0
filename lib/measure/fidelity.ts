import { type Conditioning, conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import type { GuidanceMode, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Estimate, Fidelity } from "#lib/pairing/evidence.ts";
import { lookAt } from "#lib/pairing/plan.ts";
import { mean, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { concat, type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { bootstrap } from "./bootstrap.ts";
import { distributionDistance } from "./distribution-distance.ts";
import type { Evaluator } from "./evaluator.ts";
import type { KeptAlone } from "./teacher.ts";
import type { Tick } from "./tick.ts";

export interface FidelityRequest {
  readonly schedule: Schedule;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly prompts: readonly string[];
  /** A row for each prompt, and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** [n, C, H, W]; every mode starts from it. */
  readonly noise: FloatTensor;
  readonly rowsAtOnce: number;
  /** Latents as pictures, for an evaluator that looks at those. */
  decode(latents: FloatTensor): Promise<readonly Picture[]>;
  /** The name by which the evaluator may know the style. */
  readonly domain: string | null;
  /** What the model keeps by itself, where another guide's measurement has drawn it. */
  readonly known?: KeptAlone | null;
  /** What earlier looks drew. */
  readonly before: readonly KeptShares[];
  /** How many prompts there are to draw in all. */
  readonly available: number;
  /** The how manieth guide of its author on this model. */
  readonly tries: number;
}

/** By prompt: how well the picture of each mode keeps to it, as the evaluator scores that. */
export type KeptShares = { readonly prompt: string } & Readonly<Record<GuidanceMode, number>>;

/** L4: draws every prompt in all three modes from the same noise and has the evaluator score the pictures. */
export async function measureFidelity(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: FidelityRequest,
  tick: Tick,
): Promise<{ figures: Fidelity; raw: KeptShares[]; alone: KeptAlone }> {
  const { prompts, rowsAtOnce, known } = request;
  const modes = known ? (["guide"] as const) : (["conditional", "guide", "cfg"] as const);
  const scoring = await evaluator.expect(prompts, request.domain);
  const scores: Record<GuidanceMode, number[]> = {
    conditional: [...(known?.conditional ?? [])],
    guide: [],
    cfg: [...(known?.cfg ?? [])],
  };
  const features: Record<GuidanceMode, FloatTensor[]> = {
    conditional: known ? [known.features.conditional] : [],
    guide: [],
    cfg: known ? [known.features.cfg] : [],
  };
  const { scored, unscored, domain, notes } = scoring;
  const total = modes.length * Math.ceil(prompts.length / rowsAtOnce) * request.steps;
  let done = 0;
  for (let begin = 0; begin < prompts.length; begin += rowsAtOnce) {
    const end = Math.min(begin + rowsAtOnce, prompts.length);
    const texts = {
      conditional: conditioningRows(request.prompted, begin, end),
      unconditional: repeatConditioning(request.empty, end - begin),
    };
    for (const mode of modes) {
      const plan = { mode, guidanceScale: request.guidanceScale, cfgSteps: 0 };
      let latents = rows(request.noise, begin, end);
      for await (const step of denoise(networks, {
        plan,
        schedule: request.schedule,
        sampler: request.sampler,
        steps: request.steps,
        noise: latents,
        texts,
      })) {
        latents = step.latents;
        await tick(++done, total);
      }
      const seen = await scoring.read({ latents, pictures: () => request.decode(latents) }, begin);
      scores[mode].push(...seen.scores);
      features[mode].push(seen.features);
    }
  }
  const drawn = prompts.map((prompt, i) => ({
    prompt,
    conditional: scores.conditional[i]!,
    guide: scores.guide[i]!,
    cfg: scores.cfg[i]!,
  }));
  const raw = [...request.before, ...drawn];
  const [conditional, guide, cfg] = (["conditional", "guide", "cfg"] as const).map((mode) =>
    concat(features[mode]),
  ) as [FloatTensor, FloatTensor, FloatTensor];
  const { available, guidanceScale, tries } = request;
  return {
    figures: {
      ...summarise(raw, tries),
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
    raw,
    alone: { conditional: scores.conditional, cfg: scores.cfg, features: { conditional, cfg } },
  };
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

import { type Conditioning, conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import type { GuidanceMode, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Estimate, Fidelity } from "#lib/pairing/evidence.ts";
import { lookAt } from "#lib/pairing/plan.ts";
import { mean, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { bootstrap } from "./bootstrap.ts";
import { parseCaption, type Wanted } from "./captions.ts";
import type { Evaluator, Reading } from "./evaluator.ts";
import { type Attribute, attributes } from "./evaluator-network.ts";
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
  /** The name by which the evaluator may know the style. */
  readonly domain: string | null;
  /** What the model keeps by itself, where another guide's measurement has drawn it. */
  readonly known?: KeptAlone | null;
  /** What earlier looks drew. */
  readonly before: readonly KeptShares[];
  /** How many prompts there are to draw in all. */
  readonly available: number;
}

/** By prompt: the share of its attributes that the picture of each mode keeps. */
export type KeptShares = { readonly prompt: string } & Readonly<Record<GuidanceMode, number>>;

/**
 * L4: draws every prompt in all three modes from the same noise and reads what the pictures show. Attributes that the
 * evaluator misreads too often in this domain are left out. In an unknown domain all are scored, and the result says so.
 */
export async function measureFidelity(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: FidelityRequest,
  tick: Tick,
): Promise<{ figures: Fidelity; raw: KeptShares[] }> {
  const { prompts, rowsAtOnce, known } = request;
  const modes = known ? (["guide"] as const) : (["conditional", "guide", "cfg"] as const);
  const wanted = prompts.map((prompt) => parseCaption(prompt, evaluator.vocabulary));
  const accuracies = request.domain === null ? undefined : evaluator.accuracies.get(request.domain);
  const scored = attributes.filter((attribute) => !accuracies || accuracies[attribute] >= thresholds.evaluatorAccuracy);
  const unscored = attributes
    .filter((attribute) => !scored.includes(attribute))
    .map((attribute) => ({ attribute, accuracy: accuracies![attribute] }));

  const scores: Record<GuidanceMode, number[]> = {
    conditional: [...(known?.conditional ?? [])],
    guide: [],
    cfg: [...(known?.cfg ?? [])],
  };
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
      const readings = await evaluator.read(latents);
      scores[mode].push(...readings.map((reading, i) => keptShare(wanted[begin + i]!, reading, scored)));
    }
  }
  const drawn = prompts.map((prompt, i) => ({
    prompt,
    conditional: scores.conditional[i]!,
    guide: scores.guide[i]!,
    cfg: scores.cfg[i]!,
  }));
  const raw = [...request.before, ...drawn];
  const { available, guidanceScale } = request;
  return {
    figures: {
      ...summarise(raw),
      available,
      guidanceScale,
      scored,
      unscored,
      domain: accuracies ? request.domain : null,
    },
    raw,
  };
}

/** The share of a prompt's scored attributes that a picture keeps. A thing that is not seen keeps none of its own. */
export function keptShare(wanted: Wanted, reading: Reading, scored: readonly Attribute[]): number {
  const score = (attribute: Attribute, kept: boolean): boolean[] => (scored.includes(attribute) ? [kept] : []);
  const kept = wanted.things.flatMap(({ kind, color, size }) => {
    const seen = reading.kinds[kind]!;
    const there = seen.present || !scored.includes("present"); // where presence cannot be read, it cannot be asked for
    return [
      ...score("present", there),
      ...score("color", there && seen.color === color),
      ...score("size", there && seen.size === size),
    ];
  });
  kept.push(...score("background", reading.background === wanted.background));
  return kept.filter(Boolean).length / kept.length;
}

/** Means with their own intervals, and CFG's gain and the recovered share of it with those of the plan. */
export function summarise(
  scores: readonly Scores[],
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
  const look = lookAt(n);
  return look === null
    ? { ...means, gain: over(({ cfg, conditional }) => cfg - conditional), recovered: null, claims: null }
    : { ...means, ...recoveryOf(scores.slice(0, look.prompts), look) };
}

import { type Conditioning, conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import type { GuidanceMode, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Fidelity } from "#lib/pairing/evidence.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { bootstrap, mean } from "./bootstrap.ts";
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
}

/** By prompt: how well the picture of each mode keeps to it, as the evaluator scores that. */
export type KeptShares = { readonly prompt: string } & Readonly<Record<GuidanceMode, number>>;

/** L4: draws every prompt in all three modes from the same noise and has the evaluator score the pictures. */
export async function measureFidelity(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: FidelityRequest,
  tick: Tick,
): Promise<{ figures: Fidelity; raw: KeptShares[] }> {
  const { prompts, rowsAtOnce, known } = request;
  const modes = known ? (["guide"] as const) : (["conditional", "guide", "cfg"] as const);
  const scoring = await evaluator.expect(prompts, request.domain);
  const scores: Record<GuidanceMode, number[]> = {
    conditional: [...(known?.conditional ?? [])],
    guide: [],
    cfg: [...(known?.cfg ?? [])],
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
    }
  }
  return {
    figures: { ...summarise(scores), evaluator: evaluator.kind, scored, unscored, domain, notes },
    raw: prompts.map((prompt, i) => ({
      prompt,
      conditional: scores.conditional[i]!,
      guide: scores.guide[i]!,
      cfg: scores.cfg[i]!,
    })),
  };
}

/** Means, CFG's gain and the recovered share of it, each with its interval; pairs of one prompt are drawn together. */
export function summarise(
  scores: Readonly<Record<GuidanceMode, readonly number[]>>,
): Pick<Fidelity, "conditional" | "guide" | "cfg" | "gain" | "recovered"> {
  const n = scores.cfg.length;
  const at = (mode: GuidanceMode, indices: readonly number[]): number => mean(indices.map((i) => scores[mode][i]!));
  const over = (statistic: (indices: readonly number[]) => number) => bootstrap(n, statistic);
  const gain = over((indices) => at("cfg", indices) - at("conditional", indices));
  return {
    conditional: over((indices) => at("conditional", indices)),
    guide: over((indices) => at("guide", indices)),
    cfg: over((indices) => at("cfg", indices)),
    gain,
    recovered:
      gain.low > 0
        ? over(
            (indices) =>
              (at("guide", indices) - at("conditional", indices)) / (at("cfg", indices) - at("conditional", indices)),
          )
        : null,
  };
}

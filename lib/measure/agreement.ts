import { type Conditioning, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { guided } from "#lib/diffusion/guidance.ts";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { GuideNetwork } from "#lib/diffusion/guide-network.ts";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { noNoise } from "#lib/diffusion/samplers/sampler.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { SplitUNet } from "#lib/diffusion/unet-networks.ts";
import type { Agreement, AgreementFigures } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { bootstrap } from "./bootstrap.ts";
import type { TeacherTape } from "./teacher.ts";
import type { Tick } from "./tick.ts";

/** The guidances that agreement is read at: four within the range that a guide was made for, evenly spread, the strongest one last. At 1 there is none. */
export function agreementGuidances({
  minGuidance: from,
  maxGuidance: to,
}: Pick<GuideConfig, "minGuidance" | "maxGuidance">): number[] {
  const at = (share: number): number => Number((from + share * (to - from)).toFixed(3));
  return (from > 1 ? [0, 1 / 3, 2 / 3, 1] : [0.25, 0.5, 0.75, 1]).map(at);
}

/** Trajectories to follow, one a row: its prompt, its noise, its guidance. */
export interface AgreementRequest {
  readonly schedule: Schedule;
  readonly steps: number;
  /** n rows, and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** [n, C, H, W] */
  readonly noise: FloatTensor;
  readonly guidanceScales: Float32Array;
  /** Which prompt each row is of: rows of one prompt are resampled together. */
  readonly prompts: readonly number[];
  /** Spares the model what it predicted for another guide. */
  readonly tape?: TeacherTape | null;
}

/** One state of one trajectory, as sums over its elements. Δ = ε̂_cfg − ε̂_c is asked for, Δ̂ = ε̂_guide − ε̂_c is delivered. */
export interface AgreementState {
  readonly prompt: number;
  readonly timestep: number;
  readonly guidanceScale: number;
  /** Σ(Δ̂ − Δ)² */
  readonly error: number;
  /** Σ Δ̂·Δ */
  readonly product: number;
  /** Σ Δ² and Σ Δ̂² */
  readonly asked: number;
  readonly delivered: number;
}

/** Follows CFG's own trajectories (DDIM) and compares, at each state, what the guide adds with what CFG adds. */
export async function measureAgreement(
  unet: SplitUNet,
  guide: GuideNetwork,
  request: AgreementRequest,
  tick: Tick,
): Promise<AgreementState[]> {
  const { prompted, guidanceScales, schedule } = request;
  const batch = request.noise.shape[0]!;
  const empty = repeatConditioning(request.empty, batch);
  const sampler = createSampler("ddim", schedule, request.steps);
  const states: AgreementState[] = [];
  let latents = request.noise;
  for (const [stepIndex, level] of sampler.evaluations.entries()) {
    const encoded = await unet.encode(latents, level.timestep, prompted);
    const predict = async () => {
      const conditional = await unet.decode(encoded, prompted, null);
      return {
        conditional,
        cfg: guided(conditional, await unet.predict(latents, level.timestep, empty, null), guidanceScales),
      };
    };
    const { conditional, cfg } = await (request.tape ? request.tape.step(predict) : predict());
    const withGuide = await unet.decode(
      encoded,
      prompted,
      await guide.residuals(latents, level.timestep, prompted, guidanceScales),
    );
    for (let row = 0; row < batch; row++) {
      states.push({
        prompt: request.prompts[row]!,
        timestep: level.timestep,
        guidanceScale: guidanceScales[row]!,
        ...compare(conditional, withGuide, cfg, row),
      });
    }
    latents = sampler.step(latents, cfg, stepIndex, noNoise);
    await tick(stepIndex + 1, request.steps);
  }
  return states;
}

/** Figures over all states, by timestep and by guidance. */
export function summariseAgreement(states: readonly AgreementState[]): Agreement {
  const by = <K extends "timestep" | "guidanceScale">(key: K) =>
    [...Map.groupBy(states, (state) => state[key])].map(
      ([value, group]) => ({ [key]: value, ...figures(group) }) as { [P in K]: number } & AgreementFigures,
    );
  return {
    ...figures(states),
    byTimestep: by("timestep"),
    byGuidance: by("guidanceScale").toSorted((a, b) => a.guidanceScale - b.guidanceScale),
    finite: states.every((state) => Number.isFinite(state.error) && Number.isFinite(state.asked)),
    modelIsFinite: states.every(({ asked }) => Number.isFinite(asked)),
    addsNothing: states.some(({ asked }) => asked > 0) && states.every(({ delivered }) => delivered === 0),
  };
}

/** Guidance grows with w − 1, so its squares grow with (w − 1)²: undivided, w = 8 would decide 58% of a figure and w = 2 one. */
const weightOf = ({ guidanceScale }: AgreementState): number => 1 / (guidanceScale - 1) ** 2;

function figures(states: readonly AgreementState[]): AgreementFigures {
  const byPrompt = [...Map.groupBy(states, ({ prompt }) => prompt).values()].map((group) => {
    const sum = (of: (state: AgreementState) => number): number =>
      group.reduce((total, state) => total + weightOf(state) * of(state), 0);
    return {
      error: sum((state) => state.error),
      product: sum((state) => state.product),
      asked: sum((state) => state.asked),
      cosine: mean(group.map(cosineOf)),
    };
  });
  type Sums = (typeof byPrompt)[number];
  const total = (indices: readonly number[], of: keyof Sums): number =>
    indices.reduce((sum, i) => sum + byPrompt[i]![of], 0);
  const over = (statistic: (indices: readonly number[]) => number) => bootstrap(byPrompt.length, statistic);
  return {
    fvu: over((indices) => total(indices, "error") / total(indices, "asked")),
    delivered: over((indices) => total(indices, "product") / total(indices, "asked")),
    cosine: over((indices) => total(indices, "cosine") / indices.length),
  };
}

/** A guide that adds nothing, or CFG that asks for nothing, points in no direction: 0. */
const cosineOf = ({ product, asked, delivered }: AgreementState): number =>
  asked > 0 && delivered > 0 ? product / Math.sqrt(asked * delivered) : 0;

function compare(
  conditional: FloatTensor,
  withGuide: FloatTensor,
  cfg: FloatTensor,
  row: number,
): Pick<AgreementState, "error" | "product" | "asked" | "delivered"> {
  const size = conditional.data.length / conditional.shape[0]!;
  let [error, product, asked, delivered] = [0, 0, 0, 0];
  for (let i = row * size; i < (row + 1) * size; i++) {
    const want = cfg.data[i]! - conditional.data[i]!;
    const got = withGuide.data[i]! - conditional.data[i]!;
    error += (got - want) ** 2;
    product += got * want;
    asked += want ** 2;
    delivered += got ** 2;
  }
  return { error, product, asked, delivered };
}

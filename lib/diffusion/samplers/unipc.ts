import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import { sigmaSettings, sigmaSpacingOf } from "../sigmas.ts";
import { roundHalfEven } from "../timesteps.ts";
import { thresholdOf, thresholdSettings } from "./limit-clean.ts";
import { estimateClean, mapPairs, noiseOf } from "./prediction.ts";
import { multistepLevels, multistepSettings, ratioOf } from "./ratio-levels.ts";
import type { Level } from "./sampler.ts";
import { solve } from "./solve.ts";
import { asManyAsTrained, oneEvaluationPerStep, type SamplerKind, type Step } from "./walk.ts";

/**
 * UniPC, Zhao et al. 2023 (arXiv 2302.04867), algorithms 1 and 2, as diffusers' UniPCMultistepScheduler. Each step
 * corrects the latents it is given by the network's newest output and then predicts the next ones. From level s to t, m
 * being x̂0 at s:
 *
 *   x_t = (σ_t/σ_s) · x_s + α_t · (1 − e^{−h}) · m − α_t · B(h) · Σ ρ_k · D_k
 *   D_k = (m_k − m) / r_k        r_k = (λ_k − λ_s) / h
 *
 * over levels k before s, and for the corrector t itself. Where a file asks for `predict_x0` false, m is ε̂, α and σ
 * change places, and −h is h.
 */
export const unipc: SamplerKind = {
  reads: [
    ...betaSettings,
    ...thresholdSettings,
    ...multistepSettings,
    ...sigmaSettings,
    "solverOrder",
    "solverType",
    "lowerOrderFinal",
    "predictsCleanLatents",
    "uncorrectedSteps",
    "predictor",
  ],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, predictionType, trainTimesteps, file } = schedule;
    const sigmaSpacing = sigmaSpacingOf(schedule);
    const { levels, end } = multistepLevels(schedule, alphaBarsOf(schedule, plainBetas, "finite"), {
      steps,
      sigmaSpacing,
      lastTimestep: trainTimesteps,
      wholeTimestep: sigmaSpacing === "karras" ? roundHalfEven : Math.trunc,
      spreadEnd: "last",
    });
    const form: Form = {
      predictsClean: settings.predictsCleanLatents ?? true,
      plainStride: settings.solverType === "bh1",
    };
    if (end.sigma === 0 && !form.predictsClean) {
      throw new AppError(
        "bad_request",
        `${file}: "predict_x0" false cannot end without noise ("final_sigmas_type" zero); choose another sampler.`,
      );
    }
    const limit = thresholdOf(schedule);
    const maxOrder = settings.solverOrder ?? 2;
    const lowersOrder = settings.lowerOrderFinal ?? true;
    const count = levels.length;
    const uncorrected = new Set(settings.uncorrectedSteps);
    const orderAt = (index: number): number => {
      // Where a file forbids it, theirs divides by the infinite stride.
      if (index === count - 1 && end.sigma === 0) return 1;
      return lowersOrder ? Math.min(maxOrder, count - index) : maxOrder;
    };

    const convert = (prediction: FloatTensor, latents: FloatTensor, level: Level): FloatTensor => {
      if (!form.predictsClean) return mapPairs(prediction, latents, (p, x) => noiseOf[predictionType](p, x, level));
      const estimate = estimateClean(prediction, latents, level, predictionType);
      return limit ? limit(estimate) : estimate;
    };

    const begin = (): Step => {
      const outputs: FloatTensor[] = []; // m of the last three levels, newest first
      let last: { latents: FloatTensor; order: number } | null = null;
      return (given, prediction, index) => {
        const output = convert(prediction, given, levels[index]!);
        let latents = given;
        if (last && !uncorrected.has(index - 1)) {
          const path = levels.slice(index - last.order, index + 1).toReversed();
          latents = move(last.latents, [output, ...outputs], path, form, "correct");
        }
        outputs.unshift(output);
        outputs.length = Math.min(outputs.length, 3);
        const order = Math.min(orderAt(index), outputs.length);
        last = { latents, order };
        const path = [levels[index + 1] ?? end, ...levels.slice(index - order + 1, index + 1).toReversed()];
        return move(latents, outputs, path, form, "predict");
      };
    };
    return { levels, ...oneEvaluationPerStep, startScale: 1, begin };
  },
};

interface Form {
  readonly predictsClean: boolean;
  /** B(h) is the stride itself (`bh1`), not e^h − 1 (`bh2`). */
  readonly plainStride: boolean;
}

/**
 * From path[1] to path[0]. `outputs` are those of path[1] and the levels before it, newest first; for the corrector the
 * output at path[0] goes before them.
 */
function move(
  latents: FloatTensor,
  outputs: readonly FloatTensor[],
  path: readonly Level[],
  form: Form,
  task: "predict" | "correct",
): FloatTensor {
  const [to, from] = [path[0]!, path[1]!];
  const h = lambdaOf(to) - lambdaOf(from);
  const signed = form.predictsClean ? -h : h;
  const growth = Math.expm1(signed);
  const [keep, scale] = form.predictsClean ? [to.sigma / from.sigma, to.alpha] : [to.alpha / from.alpha, to.sigma];
  const ratios = path.slice(2).map((level) => (lambdaOf(level) - lambdaOf(from)) / h);
  const gain = form.plainStride ? signed : growth;
  const weights = rhos(ratios, signed, growth, gain, task);
  const places = task === "correct" ? [...ratios, 1] : ratios;
  const [origin, ...before] = task === "correct" ? outputs.slice(1) : outputs;
  const others = task === "correct" ? [...before.slice(0, ratios.length), outputs[0]!] : before;
  const pulls = places.map((ratio, k) => (scale * gain * weights[k]!) / ratio);
  const values = latents.data.map((x, i) => {
    const m = origin!.data[i]!;
    let value = keep * x - scale * growth * m;
    for (const [k, pull] of pulls.entries()) value -= pull * (others[k]!.data[i]! - m);
    return value;
  });
  return tensor(values, latents.shape);
}

/** ρ of eq. 10 there: one for each level before, and for the corrector one more for the level it corrects. */
function rhos(
  ratios: readonly number[],
  signed: number,
  growth: number,
  gain: number,
  task: "predict" | "correct",
): readonly number[] {
  const size = task === "correct" ? ratios.length + 1 : ratios.length;
  if (size <= 1) return size === 0 ? [] : [0.5];
  const places = [...ratios, 1].slice(0, size);
  const target: number[] = [];
  let phi = growth / signed - 1;
  let factorial = 1;
  for (let k = 1; k <= size; k++) {
    target.push((phi * factorial) / gain);
    factorial *= k + 1;
    phi = phi / signed - 1 / factorial;
  }
  return solve(
    target.map((_, power) => places.map((place) => place ** power)),
    target,
  );
}

const lambdaOf = (level: Level): number => -Math.log(ratioOf(level));

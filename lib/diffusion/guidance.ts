import { AppError } from "#lib/errors.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { type Conditioning, concatConditioning } from "./conditioning.ts";
import type { CfgLayout } from "./cfg-layout.ts";
import type { GuideConfig } from "./guide-config.ts";
import type { GuideNetwork } from "./guide-network.ts";
import { atStrength, MOST_GUIDE_STRENGTH } from "./guide-strength.ts";
import { rescaleGuidance } from "./rescale-guidance.ts";
import type { UNet } from "./unet-networks.ts";

/** How one step is guided. */
export type GuidanceMode = "conditional" | "guide" | "cfg";

/** Passes through the base that one step of each mode counts as, however they are batched. */
export const passesOf: Readonly<Record<GuidanceMode, number>> = { conditional: 1, guide: 1, cfg: 2 };

/** A mode for a whole picture: the first `cfgSteps` steps may be CFG's. */
export interface GuidancePlan {
  readonly mode: GuidanceMode;
  /** s in ε̂ = ε̂ᵤ + s (ε̂_c − ε̂ᵤ); 1 = none. */
  readonly guidanceScale: number;
  readonly cfgSteps: number;
  /** φ of `rescaleGuidance`, for steps of CFG; 0 where nothing is said. */
  readonly guidanceRescale?: number;
  /** By which all that a guide adds is multiplied; 1, as it was made, where nothing is said. */
  readonly guideStrength?: number;
}

/** A row for each picture. */
export interface Texts {
  readonly conditional: Conditioning;
  /** Of the empty prompt, or of what to stay away from. */
  readonly unconditional: Conditioning;
}

export interface GuidedNetworks {
  readonly unet: UNet;
  readonly guide: GuideNetwork | null;
  readonly cfgLayout: CfgLayout;
}

/** Which mode a step runs in. Guidance 1 and less is the plain conditional prediction in every mode, as in diffusers. */
export function modeOfStep({ mode, guidanceScale, cfgSteps }: GuidancePlan, stepIndex: number): GuidanceMode {
  if (guidanceScale <= 1) return "conditional";
  return stepIndex < cfgSteps ? "cfg" : mode;
}

/** Refuses what the mode cannot do: a range that the guide was not trained on, a negative prompt that nothing would read. */
export function requirePlan(
  plan: GuidancePlan,
  { guide, negativePrompt, steps }: { guide: GuideConfig | null; negativePrompt: string | null; steps: number },
): void {
  const { mode, guidanceScale, cfgSteps, guidanceRescale = 0, guideStrength = 1 } = plan;
  if (!Number.isFinite(guidanceScale) || guidanceScale < 0 || guidanceScale > 100) {
    throw new AppError(
      "bad_request",
      `Guidance ${guidanceScale} is not a number from 0 to 100; 1 is none, 5 is usual.`,
      { guidanceScale },
    );
  }
  if (!Number.isInteger(cfgSteps) || cfgSteps < 0 || cfgSteps > steps) {
    throw new AppError(
      "bad_request",
      `CFG steps ${cfgSteps} must be a whole number from 0 to the ${steps} steps of the picture.`,
      { cfgSteps, steps },
    );
  }
  if (cfgSteps > 0 && mode !== "guide")
    throw new AppError(
      "bad_request",
      `CFG steps go before a guide takes over; they mean nothing in the mode ${mode}, so leave them out.`,
      { mode },
    );
  if (!(guideStrength >= 0 && guideStrength <= MOST_GUIDE_STRENGTH)) {
    const sentence = `Guide strength ${guideStrength} is not a number from 0 to ${MOST_GUIDE_STRENGTH}; 1 is as the guide was made.`;
    throw new AppError("bad_request", sentence, { guideStrength });
  }
  if (guideStrength !== 1 && mode !== "guide") {
    const sentence = `A guide's strength means nothing in the mode ${mode}, which uses none; leave it out.`;
    throw new AppError("bad_request", sentence, { guideStrength, mode });
  }
  if (!(guidanceRescale >= 0 && guidanceRescale <= 1)) {
    const sentence = `Guidance rescale ${guidanceRescale} is not a number from 0 to 1; 0 is none, 0.7 is usual.`;
    throw new AppError("bad_request", sentence, { guidanceRescale });
  }
  if (guidanceRescale > 0 && (guidanceScale <= 1 || mode === "conditional" || (mode === "guide" && cfgSteps === 0))) {
    const sentence = "Guidance rescale corrects what CFG does to the contrast, and no step of this picture is CFG's";
    throw new AppError("bad_request", `${sentence}; leave it out.`, { guidanceRescale });
  }
  if (mode === "guide") {
    if (!guide) throw new AppError("bad_request", "The mode guide needs a guide; name its file with --guide.");
    if (guidanceScale > 1 && (guidanceScale < guide.minGuidance || guidanceScale > guide.maxGuidance)) {
      throw new AppError(
        "bad_request",
        `Guidance ${guidanceScale} is outside ${guide.minGuidance} to ${guide.maxGuidance}, the range this guide was trained on; choose a value inside it.`,
        { guidanceScale },
      );
    }
  }
  if (negativePrompt !== null && guidanceScale <= 1) {
    throw new AppError(
      "bad_request",
      "Guidance 1 or less follows the prompt alone, so a negative prompt would not be read; raise --guidance or leave the negative prompt out.",
    );
  }
  if (negativePrompt !== null && mode === "conditional") {
    throw new AppError(
      "bad_request",
      "A negative prompt works through the second pass of CFG, and the mode conditional has none; use --mode cfg or leave the negative prompt out.",
    );
  }
  if (negativePrompt !== null && mode === "guide" && cfgSteps === 0) {
    throw new AppError(
      "bad_request",
      "A guide was distilled against the empty prompt and cannot follow a negative one; let CFG do the first steps with --cfg-steps, or use --mode cfg.",
    );
  }
}

/**
 * The network's prediction for one step, guided. Classifier-free guidance is Ho & Salimans 2022 (arXiv 2207.12598, eq. 6) in
 * the form ε̂ = ε̂ᵤ + s (ε̂_c − ε̂ᵤ). It is affine, so it holds for v̂ as for ε̂.
 */
export async function predictGuided(
  { unet, guide, cfgLayout }: GuidedNetworks,
  plan: GuidancePlan,
  mode: GuidanceMode,
  latents: FloatTensor,
  timestep: number,
  texts: Texts,
): Promise<FloatTensor> {
  const batch = latents.shape[0]!;
  const scales = new Float32Array(batch).fill(plan.guidanceScale);
  if (mode === "cfg") {
    const [conditional, unconditional] = await predictPair(unet, cfgLayout, latents, timestep, texts);
    return rescaleGuidance(guided(conditional, unconditional, scales), conditional, plan.guidanceRescale ?? 0);
  }
  const residuals =
    mode === "guide"
      ? await atStrength(guide!, plan.guideStrength ?? 1).residuals(latents, timestep, texts.conditional, scales)
      : null;
  return unet.predict(latents, timestep, texts.conditional, residuals);
}

/** ε̂_c and ε̂ᵤ of the same latents. */
export async function predictPair(
  unet: UNet,
  layout: CfgLayout,
  latents: FloatTensor,
  timestep: number,
  texts: Texts,
): Promise<[FloatTensor, FloatTensor]> {
  const batch = latents.shape[0]!;
  if (layout === "two passes") {
    return [
      await unet.predict(latents, timestep, texts.conditional, null),
      await unet.predict(latents, timestep, texts.unconditional, null),
    ];
  }
  const conditioning = concatConditioning([texts.conditional, texts.unconditional]);
  const both = await unet.predict(concat([latents, latents]), timestep, conditioning, null);
  return [rows(both, 0, batch), rows(both, batch, 2 * batch)];
}

/** ε̂ᵤ + s (ε̂_c − ε̂ᵤ), with a guidance for each row. */
export function guided(
  conditional: FloatTensor,
  unconditional: FloatTensor,
  guidanceScales: Float32Array,
): FloatTensor {
  const out = new Float32Array(conditional.data.length);
  const size = out.length / guidanceScales.length;
  for (let i = 0; i < out.length; i++) {
    const scale = guidanceScales[Math.floor(i / size)]!;
    out[i] = unconditional.data[i]! + scale * (conditional.data[i]! - unconditional.data[i]!);
  }
  return tensor(out, conditional.shape);
}

import { AppError } from "#lib/errors.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { requireShort } from "#lib/prompt/prompt-limit.ts";
import type { PromptSyntax } from "#lib/prompt/read-prompt.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { BatchNoise } from "#lib/tensor/batch-noise.ts";
import { allFinite, type FloatTensor } from "#lib/tensor/tensor.ts";
import { type GuidancePlan, requirePlan } from "./guidance.ts";
import { clipSkipOf } from "./clip-skip.ts";
import { type Model, statesWanted } from "./model.ts";
import type { ModelFiles } from "./model-files.ts";
import { createSampler } from "./samplers/create-sampler.ts";
import { type LatentSize, ownSize, pictureSizeOf } from "./picture-size.ts";
import type { PictureSize } from "./text-conditioner.ts";
import { requireLayers } from "./text-encoder-graph.ts";
import { pixelsPerLatent } from "./vae-config.ts";

/** What to draw. */
export interface SampleRequest {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly promptSyntax: PromptSyntax;
  /** How many layers of the text encoders are left out at their end, by `clipSkipOf`; 0 is usual, and A1111's clip skip 1. */
  readonly clipSkip: number;
  readonly plan: GuidancePlan;
  readonly sampler: SamplerName;
  readonly steps: number;
  /** Of each picture; null for the size that the model was trained on. */
  readonly size: PictureSize | null;
  readonly start: Start;
  /** A picture to begin at, already of that size, and above 0 to 1 how far to go from it. */
  readonly picture: { readonly picture: Picture; readonly strength: number } | null;
}

/** What a request says where nobody asks for anything else. */
export const usual = { promptSyntax: "plain", clipSkip: 0, size: null, picture: null } as const;

/** Where the noise comes from: drawn as `torch.randn` draws it on a CPU, or given as [B, C, H, W] of unit variance. */
export type Start =
  | { readonly seed: bigint; readonly batch: number; readonly batchNoise: BatchNoise }
  | { readonly noise: FloatTensor };

/** Side of a picture in pixels: below, no model draws anything; above, no machine holds it. */
const [LEAST_SIDE, MOST_SIDE] = [8, 4096];

/** The size of latents a request asks for: its own, the base's, or that of the noise it brings. @throws bad_request */
export function latentSizeOf({ model }: ModelFiles, { start, size, picture }: SampleRequest): LatentSize {
  const asked = "noise" in start ? sizeOfNoise(model, start.noise) : size ? sizeOfPicture(model, size) : ownSize(model);
  const { height, width } = pictureSizeOf(model, asked);
  if (size && (size.height !== height || size.width !== width)) {
    const sentence = `The latents are those of ${width} × ${height} pixels, and ${size.width} × ${size.height} were asked for`;
    throw new AppError("bad_request", `${sentence}; leave the size out.`);
  }
  if (picture && (picture.picture.height !== height || picture.picture.width !== width)) {
    const { picture: given } = picture;
    const sentence = `The picture to begin at has ${given.width} × ${given.height} pixels, and ${width} × ${height} are drawn`;
    throw new AppError("bad_request", `${sentence}; give one of that size, or ask for its size.`);
  }
  return asked;
}

function sizeOfPicture({ vae }: Model, { height, width }: PictureSize): LatentSize {
  const scale = pixelsPerLatent(vae.config);
  for (const side of [height, width]) {
    if (Number.isInteger(side) && side >= LEAST_SIDE && side <= MOST_SIDE && side % scale === 0) continue;
    const sentence = `The size ${width} × ${height} cannot be drawn: each side must be a multiple of ${scale}`;
    throw new AppError("bad_request", `${sentence} from ${LEAST_SIDE} to ${MOST_SIDE} pixels.`, { height, width });
  }
  return { height: height / scale, width: width / scale };
}

function sizeOfNoise(model: Model, noise: FloatTensor): LatentSize {
  const { inChannels } = model.unet.config;
  const [, given, height, width] = noise.shape as [number, number, number, number];
  if (noise.shape.length !== 4 || given !== inChannels || noise.data.length === 0) {
    const sentence = `The latents are [${noise.shape.join(", ")}]; this model needs [B, ${inChannels}, H, W].`;
    throw new AppError("bad_request", sentence, { shape: noise.shape });
  }
  if (!allFinite(noise))
    throw new AppError("bad_request", "The latents hold NaN or infinity; give unit-variance noise.");
  return { height, width };
}

/** Refuses a request that cannot run, before anything is opened. */
export function requireRequest(files: ModelFiles, request: SampleRequest): void {
  const { prompt, negativePrompt, clipSkip, plan, sampler, steps, picture } = request;
  for (const text of [prompt, negativePrompt ?? ""]) requireShort(text);
  if (!Number.isInteger(clipSkip) || clipSkip < 0)
    throw new AppError("bad_request", `Leaving out ${clipSkip} layers means nothing; give a whole number from 0.`);
  const wanted = statesWanted(files.model, clipSkipOf(files.model, request).layers);
  for (const { config } of files.model.textEncoders) requireLayers(config, wanted.skipLayers + (wanted.clipSkip ?? 0));
  if (picture && !(picture.strength > 0 && picture.strength <= 1)) {
    const sentence = `The strength ${picture.strength} is not above 0 and at most 1; 0.6 changes a picture visibly.`;
    throw new AppError("bad_request", sentence, { strength: picture.strength });
  }
  createSampler(sampler, files.model.schedule, steps, picture ?? undefined);
  const hearsGuidance = files.model.unet.config.guidanceEmbeddingWidth !== null;
  const unread = negativePrompt !== null ? "a negative prompt" : plan.guidanceRescale ? "guidance rescale" : null;
  if (hearsGuidance && unread) {
    const sentence = `${files.model.name} hears its guidance without the second pass of CFG, so ${unread} would change nothing`;
    throw new AppError("bad_request", `${sentence}; leave it out.`);
  }
  requirePlan(plan, { guide: files.guide?.config ?? null, negativePrompt, steps });
}

import { fromPicture } from "#lib/picture/rgb.ts";
import type { PromptSyntax } from "#lib/prompt/read-prompt.ts";
import { type FloatTensor, repeat, tensor } from "#lib/tensor/tensor.ts";
import { type Conditioning, conditioningRows, repeatConditioning } from "./conditioning.ts";
import { denoise, type DenoiseStep, type PictureStart } from "./denoise.ts";
import type { GuidancePlan } from "./guidance.ts";
import { batchNoise, noiseSource, type PictureNoise } from "./noise-source.ts";
import type { Pipeline } from "./pipeline.ts";
import { type LatentSize, pictureSizeOf } from "./picture-size.ts";
import type { SampleRequest, Start } from "./sample-request.ts";
import { type Prompt, wholePicture } from "./text-conditioner.ts";

type Networks = Omit<Pipeline, "close">;

/** From a prompt to latents, a step at a time. */
export async function* sample(pipeline: Networks, request: SampleRequest): AsyncGenerator<DenoiseStep, void> {
  const { files, text, size, unet } = pipeline;
  const { schedule } = files.model;
  const prompts = promptsOf(request);
  const both = await text.condition(prompts, wholePicture(pictureSizeOf(files.model, size)));
  const draw = noiseFor(request.start, unet.config.inChannels, size);
  const picture = request.picture && (await encodePicture(pipeline, request.picture, draw, request.start));
  const noise = "noise" in request.start ? request.start.noise : draw();
  const batch = noise.shape[0]!;
  const plan = planFor(request.plan, unet.config.guidanceEmbeddingWidth);
  yield* denoise(pipeline, {
    plan,
    schedule,
    sampler: request.sampler,
    steps: request.steps,
    noise,
    drawNoise: draw,
    ...(picture && { picture }),
    texts: {
      conditional: hearing(repeatConditioning(conditioningRows(both, 0, 1), batch), request.plan, unet.config),
      unconditional: repeatConditioning(conditioningRows(both, 1, 2), batch),
    },
  });
}

/** What the text encoders are given: the prompt, and what to stay away from. */
export const promptsOf = ({ prompt, negativePrompt, promptSyntax }: PromptRequest): readonly [Prompt, Prompt] => [
  { text: prompt, syntax: promptSyntax, side: "prompt" },
  negativePrompt === null ? null : { text: negativePrompt, syntax: promptSyntax, side: "negative prompt" },
];

interface PromptRequest {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly promptSyntax: PromptSyntax;
}

/** What a sampler adds continues the seed's noise; to noise that was given, it is that of seed 0. */
function noiseFor(start: Start, channels: number, { height, width }: LatentSize): PictureNoise {
  if ("noise" in start) return noiseSource(0, start.noise.shape);
  return batchNoise(start.seed, [start.batch, channels, height, width], start.batchNoise);
}

/** As diffusers' image-to-image: the latents are drawn of what the encoder says of the picture, before the noise is. */
async function encodePicture(
  pipeline: Networks,
  { picture, strength }: NonNullable<SampleRequest["picture"]>,
  draw: PictureNoise,
  start: Start,
): Promise<PictureStart> {
  const batch = "noise" in start ? start.noise.shape[0]! : start.batch;
  const noise = draw(1); // one stream draws it once for all, seeds of their own once for each
  const pixels = repeat(fromPicture(picture), noise.shape[0]!);
  const latents = await pipeline.encodePictures(pixels, noise);
  return { latents: latents.shape[0] === batch ? latents : repeat(latents, batch), strength };
}

/** A network that hears its guidance needs no second pass for it, as in diffusers' pipelines. */
const planFor = (plan: GuidancePlan, guidanceEmbeddingWidth: number | null): GuidancePlan =>
  guidanceEmbeddingWidth !== null && plan.mode === "cfg" ? { ...plan, mode: "conditional" } : plan;

/** The prompt with what a latent consistency model hears of the guidance. */
function hearing(
  conditioning: Conditioning,
  { guidanceScale }: GuidancePlan,
  { guidanceEmbeddingWidth: width }: { readonly guidanceEmbeddingWidth: number | null },
): Conditioning {
  if (width === null) return conditioning;
  const guidanceEmbedding = repeat(embedGuidance(guidanceScale, width), conditioning.text.shape[0]!);
  return { ...conditioning, guidanceEmbedding };
}

/**
 * [1, width]: sines, then cosines of 1000 · (w − 1) · 10000^(−k / (width/2 − 1)), and a zero where the width is odd
 * (`get_guidance_scale_embedding` of diffusers 0.42.1). Rounded as float32 where theirs is, since an angle of thousands
 * carries its last digit into the sine.
 */
export function embedGuidance(guidanceScale: number, width: number): FloatTensor {
  const half = width >> 1;
  const values = new Float32Array(width);
  const wide = Math.fround(1000 * Math.fround(guidanceScale - 1));
  for (let k = 0; k < half; k++) {
    const exponent = Math.fround(k * Math.fround(-Math.log(10000) / (half - 1)));
    const angle = Math.fround(wide * Math.fround(Math.exp(exponent)));
    values[k] = Math.sin(angle);
    values[half + k] = Math.cos(angle);
  }
  return tensor(values, [1, width]);
}

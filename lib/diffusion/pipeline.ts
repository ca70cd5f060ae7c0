import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { requireShort } from "#lib/prompt/prompt-limit.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { allFinite, type FloatTensor } from "#lib/tensor/tensor.ts";
import { textEncoderNetworks } from "#lib/weights/adapters/names.ts";
import { conditioningRows, repeatConditioning } from "./conditioning.ts";
import { denoise, type DenoiseStep } from "./denoise.ts";
import { type CfgLayout, type GuidancePlan, requirePlan, type Texts } from "./guidance.ts";
import { type GuideNetwork, openGuide } from "./guide-network.ts";
import { type Model, statesWanted } from "./model.ts";
import type { ModelFiles } from "./model-files.ts";
import { noiseSource } from "./noise-source.ts";
import { createSampler } from "./samplers/create-sampler.ts";
import type { NoiseSource } from "./samplers/sampler.ts";
import { createTextConditioner, type PictureSize, type TextConditioner, wholePicture } from "./text-conditioner.ts";
import { openTextEncoder, type TextEncoder } from "./text-encoder.ts";
import { openUNet, type UNet, type UNetParts } from "./unet-networks.ts";
import { pixelsPerLatent } from "./vae-config.ts";
import { openVaeDecoder, type VaeDecoder } from "./vae-networks.ts";

/** What to draw. */
export interface SampleRequest {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly plan: GuidancePlan;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly start: Start;
}

/** Where the noise comes from: drawn as `torch.randn` draws it on a CPU, or given as [B, C, H, W] of unit variance. */
export type Start = { readonly seed: bigint; readonly batch: number } | { readonly noise: FloatTensor };

export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** A model with its networks open, for one size of picture. */
export interface Pipeline {
  readonly files: ModelFiles;
  readonly size: LatentSize;
  readonly cfgLayout: CfgLayout;
  readonly text: TextConditioner;
  readonly unet: UNet;
  readonly guide: GuideNetwork | null;
  readonly vae: VaeDecoder;
  close(): Promise<void>;
}

export async function openPipeline(files: ModelFiles, size: LatentSize, runtime: Runtime): Promise<Pipeline> {
  const { model } = files;
  const parts = unetParts(files, size);
  await using opening = new AsyncDisposableStack(); // a pipeline that opens by half leaves nothing open
  const keep = <T extends { close(): Promise<void> }>(network: T): T => opening.adopt(network, (one) => one.close());
  const text = keep(await openText(files, runtime));
  const unet = keep(await openUNet(parts, runtime, files.guide ? "guided" : "plain"));
  const guide = files.guide && keep(await openGuide(files.guide, parts, runtime));
  const vae = keep(await openVaeDecoder(model.vae, size, runtime));
  const opened = opening.move();
  return {
    files,
    size,
    cfgLayout: cfgLayoutFor(model.unet.weights.parameters),
    text,
    unet,
    guide,
    vae,
    close: () => opened.disposeAsync(),
  };
}

/** The text encoders of a model, together. */
export async function openText({ model, lowRank }: ModelFiles, runtime: Runtime): Promise<TextConditioner> {
  await using opening = new AsyncDisposableStack();
  const encoders: TextEncoder[] = [];
  for (const [i, component] of model.textEncoders.entries()) {
    const layers = lowRank.map((file) => file[textEncoderNetworks[i]!]);
    const tokenizer = await component.openTokenizer();
    const encoder = await openTextEncoder(component, layers, tokenizer, statesWanted(model), runtime);
    encoders.push(opening.adopt(encoder, (one) => one.close()));
  }
  opening.move();
  return createTextConditioner(encoders, { unet: model.unet.config, zerosForNothing: model.zerosForNothing });
}

export const unetParts = ({ model, lowRank }: ModelFiles, { height, width }: LatentSize): UNetParts => ({
  unet: model.unet,
  lowRank: lowRank.map((file) => file.unet),
  tokens: model.textEncoders[0].config.maxTokens,
  height,
  width,
});

/** Where a config does not say what size its model was trained on: that of Stable Diffusion. */
const USUAL_SIDE = 64;

/** The size of latents that a model was trained on. */
export const ownSize = ({ unet }: Model): LatentSize =>
  unet.config.sampleSize ?? { height: USUAL_SIDE, width: USUAL_SIDE };

/** The size of the picture that latents become, in pixels. */
export const pictureSizeOf = ({ vae }: Model, { height, width }: LatentSize): PictureSize => {
  const scale = pixelsPerLatent(vae.config);
  return { height: scale * height, width: scale * width };
};

/** The size of latents a request asks for: the base's own, or that of the noise it brings. */
export function latentSizeOf({ model }: ModelFiles, start: Start): LatentSize {
  if ("seed" in start) return ownSize(model);
  const { inChannels } = model.unet.config;
  const [, given, height, width] = start.noise.shape as [number, number, number, number];
  if (start.noise.shape.length !== 4 || given !== inChannels || start.noise.data.length === 0) {
    const sentence = `The latents are [${start.noise.shape.join(", ")}]; this model needs [B, ${inChannels}, H, W].`;
    throw new AppError("bad_request", sentence, { shape: start.noise.shape });
  }
  if (!allFinite(start.noise))
    throw new AppError("bad_request", "The latents hold NaN or infinity; give unit-variance noise.");
  return { height, width };
}

/** Refuses a request that cannot run, before anything is opened. */
export function requireRequest(files: ModelFiles, request: SampleRequest): void {
  for (const text of [request.prompt, request.negativePrompt ?? ""]) requireShort(text);
  createSampler(request.sampler, files.model.schedule, request.steps);
  requirePlan(request.plan, {
    guide: files.guide?.config ?? null,
    negativePrompt: request.negativePrompt,
    steps: request.steps,
  });
}

/** From a prompt to latents, a step at a time. */
export async function* sample(
  pipeline: Omit<Pipeline, "close">,
  request: SampleRequest,
): AsyncGenerator<DenoiseStep, void> {
  const { files, text, size } = pipeline;
  const { noise, drawNoise } = noiseFor(request.start, files.model.unet.config.inChannels, size);
  const both = await text.condition(
    [request.prompt, request.negativePrompt],
    wholePicture(pictureSizeOf(files.model, size)),
  );
  const batch = noise.shape[0]!;
  const texts: Texts = {
    conditional: repeatConditioning(conditioningRows(both, 0, 1), batch),
    unconditional: repeatConditioning(conditioningRows(both, 1, 2), batch),
  };
  const { schedule } = files.model;
  yield* denoise(pipeline, {
    plan: request.plan,
    schedule,
    sampler: request.sampler,
    steps: request.steps,
    noise,
    drawNoise,
    texts,
  });
}

/** What a sampler adds continues the seed's noise; to noise that was given, it is that of seed 0. */
function noiseFor(start: Start, channels: number, { height, width }: LatentSize): NoiseStart {
  if (!("seed" in start)) return { noise: start.noise, drawNoise: noiseSource(0, start.noise.shape) };
  const drawNoise = noiseSource(start.seed, [start.batch, channels, height, width]);
  return { noise: drawNoise(), drawNoise };
}

interface NoiseStart {
  readonly noise: FloatTensor;
  readonly drawNoise: NoiseSource;
}

// One batch of two spares a small network the cost of starting each layer twice: two passes take 1.18 [1.16, 1.20] of its
// time on the starter. On a UNet of SD 1.5's size they take 1.01 [1.00, 1.05] of it, and half the memory. `npm run bench -- guide`
const ONE_BATCH_PARAMETERS = 20e6;
export const cfgLayoutFor = (parameters: number): CfgLayout =>
  parameters < ONE_BATCH_PARAMETERS ? "one batch of two" : "two passes";

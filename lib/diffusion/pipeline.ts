import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { requireShort } from "#lib/prompt/prompt-limit.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { allFinite, type FloatTensor, repeat, rows } from "#lib/tensor/tensor.ts";
import { denoise, type DenoiseStep } from "./denoise.ts";
import { type CfgLayout, type GuidancePlan, requirePlan, type Texts } from "./guidance.ts";
import { type GuideNetwork, openGuide } from "./guide-network.ts";
import type { ModelFiles } from "./model-files.ts";
import { createSampler } from "./samplers/create-sampler.ts";
import type { SamplerName } from "./samplers/sampler.ts";
import { openTextEncoder, type TextEncoder } from "./text-encoder.ts";
import { type ClipTokenizer, openTokenizer } from "./tokenizer.ts";
import { openUNet, type UNet, type UNetParts } from "./unet-networks.ts";
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
  readonly tokenizer: ClipTokenizer;
  readonly textEncoder: TextEncoder;
  readonly unet: UNet;
  readonly guide: GuideNetwork | null;
  readonly vae: VaeDecoder;
  close(): Promise<void>;
}

export async function openPipeline(files: ModelFiles, size: LatentSize, runtime: Runtime): Promise<Pipeline> {
  const { folder } = files;
  const tokenizer = await openTokenizer(folder.tokenizerFolder, folder.textEncoder.config.maxTokens);
  const parts = unetParts(files, size);
  const textEncoder = await openTextEncoder(
    folder.textEncoder,
    files.lowRank.map((file) => file.textEncoder),
    tokenizer,
    runtime,
  );
  const unet = await openUNet(parts, runtime);
  const guide = files.guide && (await openGuide(files.guide, parts, runtime));
  const vae = await openVaeDecoder(folder.vae, size.height, size.width, runtime);
  const close = async (): Promise<void> => {
    for (const network of [textEncoder, unet, guide, vae]) await network?.close();
  };
  return {
    files,
    size,
    cfgLayout: cfgLayoutFor(folder.unet.weights.parameters),
    tokenizer,
    textEncoder,
    unet,
    guide,
    vae,
    close,
  };
}

export const unetParts = ({ folder, lowRank }: ModelFiles, { height, width }: LatentSize): UNetParts => ({
  unet: folder.unet,
  lowRank: lowRank.map((file) => file.unet),
  tokens: folder.textEncoder.config.maxTokens,
  height,
  width,
});

/** The size of latents a request asks for: the base's own, or that of the noise it brings. */
export function latentSizeOf({ folder }: ModelFiles, start: Start): LatentSize {
  const { sampleSize, channels, inChannels } = folder.unet.config;
  if ("seed" in start) return { height: sampleSize, width: sampleSize };
  const [, given, height, width] = start.noise.shape as [number, number, number, number];
  const multiple = 2 ** (channels.length - 1);
  if (
    start.noise.shape.length !== 4 ||
    given !== inChannels ||
    height % multiple ||
    width % multiple ||
    start.noise.data.length === 0
  ) {
    throw new AppError(
      "bad_request",
      `The latents are [${start.noise.shape.join(", ")}]; this model needs [B, ${inChannels}, H, W] with H and W multiples of ${multiple}.`,
      { shape: start.noise.shape },
    );
  }
  if (!allFinite(start.noise))
    throw new AppError("bad_request", "The latents hold NaN or infinity; give unit-variance noise.");
  return { height, width };
}

/** Refuses a request that cannot run, before anything is opened. */
export function requireRequest(files: ModelFiles, request: SampleRequest): void {
  for (const text of [request.prompt, request.negativePrompt ?? ""]) requireShort(text);
  createSampler(request.sampler, files.folder.schedule, request.steps);
  requirePlan(request.plan, {
    guide: files.guide?.config ?? null,
    negativePrompt: request.negativePrompt,
    steps: request.steps,
  });
}

/** From a prompt to latents, a step at a time. */
export async function* sample(pipeline: Pipeline, request: SampleRequest): AsyncGenerator<DenoiseStep, void> {
  const { files, textEncoder, size } = pipeline;
  const noise = drawNoise(request.start, files.folder.unet.config.inChannels, size);
  const embedding = await textEncoder.embed([request.prompt, request.negativePrompt ?? ""]);
  yield* denoise(pipeline, {
    plan: request.plan,
    schedule: files.folder.schedule,
    sampler: request.sampler,
    steps: request.steps,
    noise,
    texts: textsFor(embedding, noise.shape[0]!),
  });
}

/** [2, T, D] of prompt and negative prompt → both for a batch. */
function textsFor(embedding: FloatTensor, batch: number): Texts {
  return { conditional: repeat(rows(embedding, 0, 1), batch), unconditional: repeat(rows(embedding, 1, 2), batch) };
}

function drawNoise(start: Start, channels: number, { height, width }: LatentSize): FloatTensor {
  return "seed" in start ? createGenerator(start.seed).randn([start.batch, channels, height, width]) : start.noise;
}

// One batch of two spares a small network the cost of starting each layer twice: two passes take 1.18 [1.16, 1.20] of its
// time on the starter. On a UNet of SD 1.5's size they take 1.01 [1.00, 1.05] of it, and half the memory. `npm run bench -- guide`
const ONE_BATCH_PARAMETERS = 20e6;
export const cfgLayoutFor = (parameters: number): CfgLayout =>
  parameters < ONE_BATCH_PARAMETERS ? "one batch of two" : "two passes";

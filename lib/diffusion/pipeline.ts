import type { Runtime } from "#lib/onnx/session.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { textEncoderNetworks } from "#lib/weights/adapters/names.ts";
import { type CfgLayout, cfgLayoutFor } from "./cfg-layout.ts";
import { noClipSkip } from "./clip-skip.ts";
import { type GuideNetwork, openGuide } from "./guide-network.ts";
import { encoderWords } from "./learned-words.ts";
import { type Model, statesWanted } from "./model.ts";
import type { ModelFiles } from "./model-files.ts";
import type { LatentSize } from "./picture-size.ts";
import { createTextConditioner, type TextConditioner } from "./text-conditioner.ts";
import { openTextEncoder, type TextEncoder } from "./text-encoder.ts";
import { openUNet, type UNet, type UNetParts } from "./unet-networks.ts";
import { openVaeDecoder, openVaeEncoder, type VaeDecoder } from "./vae-networks.ts";
import { vaeSize } from "./vae-size.ts";

/** A model with its networks open, for one size of picture. */
export interface Pipeline {
  readonly files: ModelFiles;
  readonly size: LatentSize;
  readonly cfgLayout: CfgLayout;
  readonly text: TextConditioner;
  readonly unet: UNet;
  readonly guide: GuideNetwork | null;
  readonly vae: VaeDecoder;
  /** Pictures [B, 3, H, W] → latents drawn with `noise` [B, C, h, w]. The encoder is open only as long as that takes. */
  encodePictures(pictures: FloatTensor, noise: FloatTensor): Promise<FloatTensor>;
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
  const vae = keep(await openVaeDecoder(model.vae, vaeSize(model, size), runtime));
  const opened = opening.move();
  return {
    files,
    size,
    cfgLayout: cfgLayoutFor(model.unet.weights.parameters),
    text,
    unet,
    guide,
    vae,
    encodePictures: pictureEncoder(model, size, runtime),
    close: () => opened.disposeAsync(),
  };
}

/** The text encoders of a model, together. */
export async function openText(
  { model, lowRank, embeddings }: ModelFiles,
  runtime: Runtime,
  clipSkip = noClipSkip,
): Promise<TextConditioner> {
  const wanted = statesWanted(model, clipSkip.layers);
  await using opening = new AsyncDisposableStack();
  const encoders: TextEncoder[] = [];
  for (const [i, component] of model.textEncoders.entries()) {
    const layers = lowRank.map((file) => file[textEncoderNetworks[i]!]);
    const tokenizer = await component.openTokenizer();
    const words = encoderWords(embeddings, i, model);
    const encoder = await openTextEncoder(component, layers, tokenizer, wanted, runtime, words);
    encoders.push(opening.adopt(encoder, (one) => one.close()));
  }
  opening.move();
  const { unet, zerosForNothing } = model;
  return createTextConditioner(encoders, { unet: unet.config, zerosForNothing, skipped: clipSkip.of });
}

/** `tokens` where prompts are longer than the text encoder takes at once. */
export const unetParts = (
  { model, lowRank }: ModelFiles,
  { height, width }: LatentSize,
  tokens = model.textEncoders[0].config.maxTokens,
): UNetParts => ({
  unet: model.unet,
  lowRank: lowRank.map((file) => file.unet),
  tokens,
  height,
  width,
});

export const pictureEncoder =
  (model: Model, size: LatentSize, runtime: Runtime): Pipeline["encodePictures"] =>
  async (pictures, noise) => {
    const encoder = await openVaeEncoder(model.vae, vaeSize(model, size), runtime);
    try {
      return await encoder.encode(pictures, noise);
    } finally {
      await encoder.close();
    }
  };

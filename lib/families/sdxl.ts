import { autoencoderKl } from "./configs/autoencoder-kl.ts";
import { clipL, openClipBigG } from "./configs/clip.ts";
import { euler } from "./configs/scheduler.ts";
import { sdxlUNet } from "./configs/unet.ts";
import type { UNetFamily } from "./family.ts";

/** Stable Diffusion XL base: Podell et al. 2023, arXiv 2307.01952. */
export const sdxl: UNetFamily = {
  id: "sdxl",
  name: "SDXL",
  whyNot: null,
  unet: { channels: [320, 640, 1280], layersPerBlock: 2, depths: [0, 2, 10], textWidth: 2048, addedWidth: 2816 },
  textEncoders: [
    {
      folder: "text_encoder",
      tokenizerFolder: "tokenizer",
      name: "CLIP ViT-L/14",
      width: 768,
      singleFile: [{ prefix: "conditioner.embedders.0.transformer.", names: "CLIP" }],
    },
    {
      folder: "text_encoder_2",
      tokenizerFolder: "tokenizer_2",
      name: "OpenCLIP ViT-bigG/14",
      width: 1280,
      singleFile: [{ prefix: "conditioner.embedders.1.model.", names: "OpenCLIP" }],
    },
  ],
  size: { multipleOf: 8, least: 64, most: 4096 },
  variants: [
    {
      id: "sdxl",
      predictionType: "epsilon",
      nativeSize: 1024,
      configs: {
        unet: sdxlUNet,
        text_encoder: clipL,
        text_encoder_2: openClipBigG,
        // force_upcast: in half precision its decoder overflows
        vae: { ...autoencoderKl(1024, 0.13025), force_upcast: true },
        scheduler: euler,
      },
    },
  ],
  pipelines: [
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusionXLPAGPipeline",
    "StableDiffusionXLPAGImg2ImgPipeline",
    "StableDiffusionXLPAGInpaintPipeline",
  ],
  claims: ["stablediffusionxl", "sdxl"],
};

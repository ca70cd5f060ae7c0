import { autoencoderKl } from "./configs/autoencoder-kl.ts";
import { clipL } from "./configs/clip.ts";
import { pndm } from "./configs/scheduler.ts";
import { sd1UNet } from "./configs/unet.ts";
import type { UNetFamily } from "./family.ts";

/** Stable Diffusion 1.1 to 1.5: Rombach et al. 2022, arXiv 2112.10752. */
export const sd1: UNetFamily = {
  id: "sd1",
  name: "SD 1.x",
  whyNot: null,
  unet: {
    channels: [320, 640, 1280, 1280],
    layersPerBlock: 2,
    depths: [1, 1, 1, 0],
    textWidth: 768,
    addedWidth: null,
  },
  textEncoders: [
    {
      folder: "text_encoder",
      tokenizerFolder: "tokenizer",
      name: "CLIP ViT-L/14",
      width: 768,
      singleFile: [{ prefix: "cond_stage_model.transformer.", names: "CLIP" }],
    },
  ],
  size: { multipleOf: 8, least: 64, most: 2048 },
  variants: [
    {
      id: "sd1",
      predictionType: "epsilon",
      nativeSize: 512,
      configs: { unet: sd1UNet, text_encoder: clipL, vae: autoencoderKl(512, 0.18215), scheduler: pndm },
    },
  ],
  pipelines: [
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline", // whose UNet may well be the plain one
    "StableDiffusionPAGPipeline",
    "StableDiffusionPAGImg2ImgPipeline",
    "StableDiffusionPAGInpaintPipeline",
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
  ],
  claims: ["stablediffusionv1", "sdv1", "sd1", "sd15"],
};

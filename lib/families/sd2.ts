import { autoencoderKl } from "./configs/autoencoder-kl.ts";
import { openClipH } from "./configs/clip.ts";
import { ddimV, pndm } from "./configs/scheduler.ts";
import { sd2BaseUNet, sd2VUNet } from "./configs/unet.ts";
import type { UNetFamily } from "./family.ts";
import { sd1 } from "./sd1.ts";

/** Stable Diffusion 2.0 and 2.1: one structure, trained at 512 pixels to predict noise, and at 768 to predict velocity. */
export const sd2: UNetFamily = {
  id: "sd2",
  name: "SD 2.x",
  whyNot: null,
  unet: { ...sd1.unet, textWidth: 1024 },
  textEncoders: [
    {
      folder: "text_encoder",
      tokenizerFolder: "tokenizer",
      name: "OpenCLIP ViT-H/14",
      width: 1024,
      singleFile: [
        { prefix: "cond_stage_model.model.", names: "OpenCLIP" },
        { prefix: "cond_stage_model.transformer.", names: "CLIP" },
        { prefix: "conditioner.embedders.0.model.", names: "OpenCLIP" },
      ],
    },
  ],
  size: sd1.size,
  variants: [
    // diffusers 0.42 takes every single file for this one (loaders/single_file_utils.py)
    {
      id: "sd2-v",
      predictionType: "v_prediction",
      nativeSize: 768,
      configs: { unet: sd2VUNet, text_encoder: openClipH, vae: autoencoderKl(768, 0.18215), scheduler: ddimV },
    },
    {
      id: "sd2-base",
      predictionType: "epsilon",
      nativeSize: 512,
      configs: { unet: sd2BaseUNet, text_encoder: openClipH, vae: autoencoderKl(768, 0.18215), scheduler: pndm },
    },
  ],
  pipelines: sd1.pipelines,
  claims: ["stablediffusionv2", "sdv2", "sd2"],
};

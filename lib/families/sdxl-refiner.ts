import type { UNetFamily } from "./family.ts";
import { sdxl } from "./sdxl.ts";

/** Stable Diffusion XL refiner: Podell et al. 2023, arXiv 2307.01952, section 2.5. */
export const sdxlRefiner: UNetFamily = {
  id: "sdxl-refiner",
  name: "SDXL refiner",
  whyNot: "it finishes what SDXL has begun and draws nothing of its own",
  unet: {
    channels: [384, 768, 1536, 1536],
    layersPerBlock: 2,
    depths: [0, 4, 4, 0],
    textWidth: 1280,
    addedWidth: 2560,
  },
  textEncoders: [
    {
      folder: "text_encoder_2",
      tokenizerFolder: "tokenizer_2",
      name: "OpenCLIP ViT-bigG/14",
      width: 1280,
      singleFile: [{ prefix: "conditioner.embedders.0.model.", names: "OpenCLIP" }],
    },
  ],
  size: sdxl.size,
  variants: [{ id: "sdxl-refiner", predictionType: "epsilon", nativeSize: 1024, configs: null }],
  pipelines: [],
  claims: ["stablediffusionxlv1refiner", "sdxlrefiner"],
};

import { expect, test } from "vitest";
import { pipelineFacts, pipelineRefusal, textEncoderFolders } from "#lib/families/pipelines.ts";

const parts = ["vae", "text_encoder", "tokenizer", "unet", "scheduler"];

test.each([
  ["StableDiffusionPipeline", parts],
  ["StableDiffusionPipeline", [...parts, "safety_checker", "feature_extractor", "image_encoder"]],
  ["StableDiffusionImg2ImgPipeline", parts],
  ["StableDiffusionInpaintPipeline", parts],
  ["LatentConsistencyModelPipeline", parts],
  ["StableDiffusionXLPipeline", [...parts, "text_encoder_2", "tokenizer_2"]],
  ["StableDiffusionXLImg2ImgPipeline", [...parts, "text_encoder_2", "tokenizer_2"]],
  ["StableDiffusionXLInpaintPipeline", [...parts, "text_encoder_2", "tokenizer_2", "feature_extractor"]],
])("%s runs", (className, listed) => {
  expect(pipelineRefusal("mine", className, listed)).toBeNull();
});

test.each([
  ["StableDiffusion3Pipeline", "mine is SD 3 (StableDiffusion3Pipeline), which does not run here: its denoiser"],
  ["FluxImg2ImgPipeline", "mine is Flux.1 (FluxImg2ImgPipeline), which does not run here: its denoiser"],
  ["Flux2KleinPipeline", "mine is Flux.2 ("],
  ["FluxControlNetPipeline", "mine is Flux.1 (FluxControlNetPipeline), which does not run here: it draws with a Con"],
  ["StableDiffusionControlNetPipeline", "mine is SD 1.x or SD 2.x (StableDiffusionControlNetPipeline), which"],
  ["StableDiffusionXLControlNetImg2ImgPipeline", "mine is SDXL ("],
  ["StableUnCLIPImg2ImgPipeline", "reads the embedding of a picture beside the prompt"],
  ["StableVideoDiffusionPipeline", "mine is Stable Video Diffusion ("],
  ["AnimateDiffPipeline", "mine is AnimateDiff ("],
  ["AnimateDiffSDXLPipeline", "mine is AnimateDiff ("],
  ["KandinskyV22CombinedPipeline", "mine is Kandinsky 2 ("],
  ["Kandinsky3Pipeline", "mine is Kandinsky 3 ("],
  ["StableCascadeCombinedPipeline", "it is a cascade of several denoisers"],
  ["WuerstchenDecoderPipeline", "mine is Würstchen ("],
  ["IFPipeline", "mine is DeepFloyd IF ("],
  ["KolorsPipeline", "its text encoder is a language model"],
  ["StableDiffusionUpscalePipeline", "it enlarges a picture that is given"],
  ["StableDiffusionInstructPix2PixPipeline", "its UNet reads a picture to edit beside the latents"],
  ["StableDiffusionXLAdapterPipeline", "T2I-Adapters do not run here"],
  ["PixArtSigmaPipeline", "mine is PixArt ("],
  ["QwenImageEditPlusPipeline", "mine is Qwen-Image ("],
  ["HunyuanVideo15ImageToVideoPipeline", "mine is HunyuanVideo ("],
  ["WanImageToVideoPipeline", "mine is Wan ("],
  ["LTX2ImageToVideoPipeline", "mine is LTX-Video ("],
  [
    "SomethingNewPipeline",
    "mine is a pipeline SomethingNewPipeline, which does not run here: only pipelines of SD 1.x",
  ],
])("%s is named and refused with its reason", (className, sentence) => {
  expect(pipelineRefusal("mine", className, parts)).toContain(sentence);
  expect(pipelineRefusal("mine", className, parts)).toMatch(/give a folder of SD 1\.x, SD 2\.x and SDXL\.$/);
});

test("a part that nothing runs keeps a pipeline from running, whatever its class", () => {
  expect(pipelineFacts("StableDiffusionPipeline", [...parts, "controlnet"])).toMatchObject({
    name: "SD 1.x or SD 2.x",
    whyNot: "it draws with a ControlNet, and those do not run here",
    isOther: false,
  });
  expect(pipelineRefusal("mine", "StableDiffusionPipeline", [...parts, "motion_adapter"])).toContain(
    "its index lists motion_adapter, a part that nothing here runs",
  );
});

test("the text encoders of a pipeline come in the order of its family", () => {
  expect(textEncoderFolders("StableDiffusionXLPipeline")).toEqual(["text_encoder", "text_encoder_2"]);
  expect(textEncoderFolders("StableDiffusionPipeline")).toEqual(["text_encoder"]);
  expect(textEncoderFolders("FluxPipeline")).toBeNull();
});

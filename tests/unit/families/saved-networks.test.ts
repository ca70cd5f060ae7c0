import { expect, test } from "vitest";
import { describeFile } from "#lib/inspection/describe.ts";
import { packed, saved } from "../../fixtures/inspection/checkpoints.ts";
import { headerOf, prefixed, type Shapes } from "../../fixtures/inspection/headers.ts";

const look = (shapes: Shapes) => describeFile(headerOf(shapes));

// What the reference library saves, whole or with one layer of each kind: see tests/golden/headers.
test.each([
  ["sd1", "unet", "SD 1.x"],
  ["sd1-lcm", "unet", "SD 1.x, guidance-distilled"],
  ["sd2", "unet", "SD 2.x"],
  ["sd2-unclip", "unet", "SD 2.x unCLIP"],
  ["sdxl", "unet", "SDXL"],
  ["ssd-1b", "unet", "SDXL of other blocks (SSD-1B)"],
  ["animatediff-unet", "unet", "SD 1.x with motion modules"],
  ["svd", "unet", "Stable Video Diffusion"],
  ["modelscope", "unet", "a UNet for videos"],
  ["upscaler-x4", "unet", "SD x4 upscaler"],
  ["deepfloyd-if", "unet", "DeepFloyd IF"],
  ["kandinsky22", "unet", "Kandinsky 2"],
  ["kandinsky3", "unet", "Kandinsky 3"],
  ["cascade-c", "unet", "Stable Cascade, stage C"],
  ["kandinsky-prior", "diffusion transformer", "a prior of unCLIP (Kandinsky 2 or Karlo)"],
  ["flux1-dev", "diffusion transformer", "Flux.1 dev"],
  ["flux1-schnell", "diffusion transformer", "Flux.1 schnell"],
  ["flux1-fill", "diffusion transformer", "Flux.1 Fill"],
  ["flux2", "diffusion transformer", "Flux.2"],
  ["chroma", "diffusion transformer", "Chroma"],
  ["bria", "diffusion transformer", "a transformer of Flux's blocks"],
  ["ovis-image", "diffusion transformer", "a transformer of Flux's blocks"],
  ["longcat-image", "diffusion transformer", "a transformer of Flux's blocks"],
  ["sd3-medium", "diffusion transformer", "SD 3 medium"],
  ["sd35-medium", "diffusion transformer", "SD 3.5 medium"],
  ["sd35-large", "diffusion transformer", "SD 3.5 large"],
  ["auraflow", "diffusion transformer", "AuraFlow"],
  ["qwen-image", "diffusion transformer", "Qwen-Image"],
  ["z-image", "diffusion transformer", "Z-Image"],
  ["lumina2", "diffusion transformer", "Lumina-Image"],
  ["pixart-alpha", "diffusion transformer", "PixArt-α"],
  ["pixart-sigma", "diffusion transformer", "PixArt"],
  ["sana", "diffusion transformer", "Sana"],
  ["hunyuan-dit", "diffusion transformer", "HunyuanDiT"],
  ["hidream", "diffusion transformer", "HiDream"],
  ["hunyuan-image", "diffusion transformer", "HunyuanImage"],
  ["hunyuan-video", "diffusion transformer", "HunyuanVideo"],
  ["cogview4", "diffusion transformer", "CogView"],
  ["cogvideox", "diffusion transformer", "CogVideoX"],
  ["mochi", "diffusion transformer", "Mochi"],
  ["wan", "diffusion transformer", "Wan"],
  ["ltx", "diffusion transformer", "LTX-Video"],
  ["cosmos", "diffusion transformer", "Cosmos"],
  ["kandinsky5", "diffusion transformer", "Kandinsky 5"],
  ["stable-audio", "diffusion transformer", "Stable Audio"],
  ["controlnet-sd1", "controlnet", "SD 1.x"],
  ["controlnet-sdxl", "controlnet", "SDXL"],
  ["flux-controlnet", "controlnet", "Flux.1 dev"],
  ["t2i-adapter", "adapter", null],
  ["t2i-adapter-light", "adapter", null],
  ["motion-module", "motion module", null],
  ["vae", "vae", "AutoencoderKL 128/256/512/512, 4 latent channels"],
  ["vae-flux", "vae", "AutoencoderKL 128/256/512/512, 16 latent channels"],
  ["taesd", "vae", "tiny autoencoder (TAESD), 4 latent channels"],
  ["vq", "vae", "VQ autoencoder 128/256/512, 3 latent channels, 8192 words"],
  ["vae-wan", "vae", "a video autoencoder"],
  ["vae-svd", "vae", "Stable Video Diffusion's autoencoder"],
  ["clip-l", "text encoder", "CLIP ViT-L/14 of width 768, depth 12"],
  ["clip-h", "text encoder", "OpenCLIP ViT-H/14 of width 1024, depth 23"],
  ["clip-big-g", "text encoder", "OpenCLIP ViT-bigG/14 of width 1280, depth 32"],
  ["t5-xxl", "text encoder", "T5 encoder of width 4096, depth 2"],
  ["clip-vision-h", "vision encoder", "OpenCLIP ViT-H/14 vision encoder of width 1280"],
  ["safety-checker", "safety checker", null],
  ["unconditional", "unet", "UNet2DConditionModel 128/256, no cross-attention seen, of 3 input channels"],
])("%s is a %s of %s", (name, kind, family) => {
  expect(look(saved(name))).toMatchObject({ kind, family, runs: false, problems: [] });
});

test.each([
  ["flux1-dev", "its denoiser is a transformer, and UNets are what runs here; models of SD 1.x, SD 2.x and SDXL do"],
  ["svd", "it makes videos, and pictures are what is drawn here"],
  ["sd2-unclip", "its UNet reads the embedding of a picture beside the prompt"],
  ["unconditional", "its UNet does not read a prompt"],
  ["sdxl", "nothing runs a UNet alone; sample and check run the diffusers folder that it is a part of"],
  ["sd1-lcm", "nothing runs a UNet alone"],
])("of %s the true reason is given", (name, reason) => {
  expect(look(saved(name)).whatRuns).toContain(reason);
});

test("a latent consistency model says for how many steps it is made", () => {
  expect([look(saved("sd1-lcm")).steps, look(saved("sd1")).steps]).toEqual([4, null]);
});

test.each(["diffusion_model.", "model.", "transformer.", "module."])(
  "a network saved under “%s” is known",
  (prefix) => {
    expect(look(prefixed(prefix, saved("flux2")))).toMatchObject({ kind: "diffusion transformer", family: "Flux.2" });
    expect(look(prefixed(prefix, saved("sdxl")))).toMatchObject({ kind: "unet", family: "SDXL" });
  },
);

test.each([
  ["sd1", "SD 1.x"],
  ["sd2", "SD 2.x"],
  ["sdxl", "SDXL"],
])("%s packed to four bits is of its family all the same, and does not run", (name, family) => {
  expect(look(packed(saved(name), "nf4"))).toMatchObject({
    kind: "unet",
    family: `${family}, quantised (NF4 of bitsandbytes)`,
    runs: false,
    whatRuns: expect.stringContaining("its weights are packed"),
  });
});

test("an autoencoder of four latent channels may be any family's, one of sixteen is of none that runs", () => {
  expect(look(saved("vae")).families).toEqual(["SD 1.x", "SD 2.x", "SDXL"]);
  expect(look(saved("vae-flux")).families).toEqual(["SD 3", "Flux.1"]);
});

// The number of parameters that each was published with.
test.each([
  ["sd1", 859_520_964],
  ["sd2", 865_910_724],
  ["sdxl", 2_567_463_684],
  ["clip-l", 123_060_480],
  ["clip-big-g", 694_659_840],
  ["vae", 83_653_863],
  ["controlnet-sd1", 361_279_120],
])("%s has %i parameters", (name, parameters) => {
  expect(look(saved(name)).parameters).toBe(parameters);
});

import type { ScheduleSettings } from "./schedule-settings.ts";
import type { UNetConfig } from "./unet-config.ts";

/** The pipelines of the reference that we follow. */
export type ReferencePipeline = "stable-diffusion" | "stable-diffusion-xl";

/**
 * What the reference's pipelines set right in a file by themselves, whatever the file says. Taken from diffusers
 * 0.42.1.
 *
 * `StableDiffusionPipeline` and `StableDiffusionImg2ImgPipeline`, when they are made:
 * - `steps_offset` that is not 1, or missing, becomes 1: here;
 * - `clip_sample` that is true becomes false: here;
 * - `sample_size` below 64 of a UNet whose file names a diffusers before 0.9.0 (`_diffusers_version`) becomes 64: where
 *   the UNet's config is read, not here;
 * - `skip_prk_steps` stays as it is. Only their inpainting sets it, and so PNDM begins with Runge-Kutta where a file is
 *   silent.
 *
 * `StableDiffusionXLPipeline` and its img2img set nothing right: where their file is silent about `clip_sample`, DDIM
 * clips to ±1.
 *
 * There, a sampler of another class than the file's is given to the pipeline when it is made (`scheduler=…`), and so
 * here. Put in its place afterwards by `from_config`, it would lose again what was set right of a field that the file
 * does not hold.
 */
export const scheduleCorrections: Readonly<Record<ReferencePipeline, Partial<ScheduleSettings>>> = {
  "stable-diffusion": { stepsOffset: 1, clipSample: false },
  "stable-diffusion-xl": {},
};

/** Those of SDXL read added conditions. */
export const referencePipelineOf = ({ added }: UNetConfig): ReferencePipeline =>
  added === null ? "stable-diffusion" : "stable-diffusion-xl";

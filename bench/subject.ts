import { openPipeline, type Pipeline, unetParts } from "#lib/diffusion/pipeline.ts";
import { type GuideFile, type GuideNetwork, openGuide } from "#lib/diffusion/guide-network.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import { openUNet, type UNet, type UNetParts } from "#lib/diffusion/unet-networks.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { starterPath } from "./starter-path.ts";
import { readSd15, writeSd15 } from "./synthetic-sd15.ts";

export const subjectNames = ["starter", "sd15"] as const;
export type SubjectName = (typeof subjectNames)[number];

/** A model to time, read but not opened: the starter with its tiny guide, or a UNet of SD 1.5's size with random weights. */
export interface Subject {
  readonly name: SubjectName;
  readonly parts: UNetParts;
  readonly guide: GuideFile;
  readonly schedule: Schedule;
  /** Denoising steps of one timed loop. */
  readonly steps: number;
  /** Text encoder and VAE too, where there are any. */
  openWhole(runtime: Runtime): Promise<Pipeline | null>;
}

/** The base as guides use it, and the guide. */
export interface OpenSubject {
  readonly guided: UNet;
  readonly guide: GuideNetwork;
}

/** Makes the files that `readSubject` reads, where the project does not ship them. */
export async function prepareSubject(name: SubjectName): Promise<void> {
  if (name === "sd15") await writeSd15();
}

export async function readSubject(name: SubjectName): Promise<Subject> {
  if (name === "sd15") {
    const schedule = parseScheduleConfig(
      {
        _class_name: "DDIMScheduler",
        beta_start: 0.00085,
        beta_end: 0.012,
        beta_schedule: "scaled_linear",
        steps_offset: 1,
        set_alpha_to_one: false,
      },
      "sd15",
    );
    return { name, ...(await readSd15()), schedule, steps: 2, openWhole: async () => null };
  }
  const files = await readModelFiles({
    model: starterPath("storybook"),
    lowRank: [],
    guide: starterPath("guide-tiny/guide.safetensors"),
  });
  const size = ownSize(files.model);
  return {
    name,
    parts: unetParts(files, size),
    guide: files.guide!,
    schedule: files.model.schedule,
    steps: 20,
    openWhole: (runtime) => openPipeline(files, size, runtime),
  };
}

export async function openGuided({ parts, guide }: Subject, runtime: Runtime): Promise<OpenSubject> {
  return { guided: await openUNet(parts, runtime, "guided"), guide: await openGuide(guide, parts, runtime) };
}

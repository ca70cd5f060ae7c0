import { fileURLToPath } from "node:url";
import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { drawingNeed } from "#lib/diffusion/needs.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { usual } from "#lib/diffusion/sample-request.ts";
import type { GuidanceMode } from "#lib/diffusion/guidance.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import type { SampleJob } from "#workers/inference/messages.ts";
import { peakMemory } from "./peak-memory.ts";
import { progress } from "./progress.ts";
import { starterPath } from "./starter-path.ts";
import type { Subject } from "./subject.ts";
import { syntheticModels, writeSyntheticModel } from "./synthetic-model.ts";
import { guidePath } from "./synthetic-sd15.ts";
import { table } from "./table.ts";

/** A picture that is drawn in a process of its own, to see what that takes. */
export interface MemoryCase {
  readonly model: string;
  readonly guide: string | null;
  readonly mode: GuidanceMode;
  /** Side of the latents. */
  readonly side: number;
  readonly batch: number;
}

export interface MemoryRow extends MemoryCase {
  readonly name: string;
  readonly pixels: number;
  /** What was worked out from shapes, and the most that the process held, in bytes. */
  readonly estimate: number;
  readonly measured: number;
  readonly ratio: number;
}

const folder = (name: string): string => fileURLToPath(new URL(`out/${name}`, import.meta.url));
const starter = { model: starterPath("storybook"), guide: starterPath("guide-tiny/guide.safetensors"), batch: 1 };
const synthetic = { guide: null, mode: "cfg", batch: 1 } as const;

const casesOf: Readonly<Record<Subject["name"], readonly MemoryCase[]>> = {
  starter: [
    { ...starter, mode: "cfg", side: 16 },
    { ...starter, mode: "guide", side: 16 },
    { ...starter, mode: "guide", side: 16, batch: 8 },
    { ...starter, mode: "cfg", side: 64 },
    { ...starter, mode: "cfg", side: 64, batch: 4 },
  ],
  sd15: [
    { ...synthetic, model: folder("mid"), side: 32 },
    { ...synthetic, model: folder("mid"), side: 64 },
    { ...synthetic, model: folder("mid"), side: 64, batch: 2 },
    { ...synthetic, model: folder("sd15"), side: 32 },
    { ...synthetic, model: folder("sd15"), side: 64 },
    { ...synthetic, model: folder("sd15"), side: 64, guide: guidePath, mode: "guide" },
  ],
};

/** What was worked out from shapes beside what a process really holds at its peak (VmHWM); Linux only. */
export async function benchMemory({ name }: Subject, _rounds: number, runtime: Runtime): Promise<MemoryRow[]> {
  if (name === "sd15")
    for (const [model, configs] of Object.entries(syntheticModels)) await writeSyntheticModel(folder(model), configs);
  const rows: MemoryRow[] = [];
  for (const one of casesOf[name]) {
    progress(`${one.model}, ${one.side}`);
    rows.push(await measureMemory(one, runtime.threads));
  }
  progress("");
  return rows;
}

export async function measureMemory(one: MemoryCase, threads: number): Promise<MemoryRow> {
  const { model, guide, mode, side, batch } = one;
  const files = await readModelFiles({ model, guide, lowRank: [] });
  const cfgLayout = cfgLayoutFor(files.model.unet.weights.parameters);
  const asked = { height: side, width: side, batch, mode, cfgLayout, coarsePictures: true, fromPicture: false };
  const { peak: estimate } = drawingNeed(files, asked);
  const noise = createGenerator(0).randn([batch, files.model.unet.config.inChannels, side, side]);
  const job: SampleJob = {
    type: "sample",
    runtime: { provider: "cpu", threads },
    choice: { model, guide, lowRank: [] },
    request: {
      ...usual,
      prompt: "a big red house in a meadow",
      negativePrompt: null,
      plan: { mode, guidanceScale: 5, cfgSteps: 0 },
      sampler: "ddim",
      steps: 2,
      start: { noise },
    },
    pictures: true,
  };
  const child = new InferenceProcess();
  try {
    await child.run(job);
    const measured = peakMemory(child.pid!);
    const pixels = pictureSizeOf(files.model, { height: side, width: side }).width;
    return { ...one, name: files.model.name, pixels, estimate, measured, ratio: estimate / measured };
  } finally {
    child.close();
  }
}

export function showMemory(rows: readonly MemoryRow[]): string {
  const cells = rows.map(({ name, mode, pixels, batch, estimate, measured, ratio }) => [
    `${name}, ${mode}`,
    `${pixels} px`,
    String(batch),
    showBytes(estimate),
    showBytes(measured),
    ratio.toFixed(2),
  ]);
  return table([["two steps", "side", "batch", "estimate", "measured", "ratio"], ...cells]);
}

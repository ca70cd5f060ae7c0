import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { drawingNeed, requireMemory } from "#lib/diffusion/needs.ts";
import {
  cfgLayoutFor,
  latentSizeOf,
  type LatentSize,
  type Pipeline,
  pictureSizeOf,
  requireRequest,
  sample as stepsOf,
} from "#lib/diffusion/pipeline.ts";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import { toPicture } from "#lib/picture/rgb.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { Report, ResultOf, SampleJob } from "./messages.ts";
import { openModel } from "./open-model.ts";
import { memoryFor, openRuntime } from "./runtime.ts";

/** Draws a picture, with progress after every step. What it opened stays open for the next. */
export async function sample(job: SampleJob, report: Report): Promise<ResultOf<SampleJob>> {
  const { choice, request, pictures } = job;
  const clock = stopwatch();
  const runtime = await openRuntime(job.runtime);
  const chosen = await readModelFiles(choice);
  requireRequest(chosen, request);
  const files = request.plan.mode === "guide" ? chosen : { ...chosen, guide: null };
  const size = latentSizeOf(files, request.start);
  requireRoom(files, size, job, memoryFor(job.runtime, runtime));
  await report({ stage: "opening", done: 0, total: request.steps });
  const { pipeline, warm, coarsePicture, hashedFiles } = await openModel(files, size, runtime);
  const coarse = pictures ? await coarsePicture() : null;
  const open = clock();

  return namingNonFinite(files, async () => {
    let latents: FloatTensor | undefined;
    let passes = 0;
    for await (const step of stepsOf(pipeline, request)) {
      ({ latents, passes } = step);
      await report({
        stage: "denoising",
        done: step.done,
        total: step.steps,
        ...(coarse && { picture: coarse(step.estimate) }),
      });
    }
    const loop = clock();
    const picture = toPicture(await pipeline.vae.decode(latents!));
    return {
      type: "sampled",
      latents: latents!,
      picture,
      passes,
      model: files.model.name,
      files: await hashedFiles(),
      runtime: {
        name: runtimeName,
        version: runtimeVersion(),
        ...runtime,
        graph: pipeline.unet.optimization,
        cfg: pipeline.cfgLayout,
      },
      notes: notesOn(pipeline, [request.prompt, request.negativePrompt ?? ""]),
      seconds: { open, loop, decode: clock() },
      warm,
      bytes: process.memoryUsage.rss(),
    };
  });
}

/** Refuses what would not fit into memory while nothing is open yet. @throws too_little_memory */
function requireRoom(files: ModelFiles, size: LatentSize, job: SampleJob, memory: number | null): void {
  if (memory === null) return;
  const { model } = files;
  const { start, plan } = job.request;
  const batch = "seed" in start ? start.batch : start.noise.shape[0]!;
  const cfgLayout = cfgLayoutFor(model.unet.weights.parameters);
  const need = drawingNeed(files, { ...size, batch, mode: plan.mode, cfgLayout, coarsePictures: job.pictures });
  const { width, height } = pictureSizeOf(model, size);
  const what = `${model.name} at ${width} × ${height} px${batch > 1 ? `, ${batch} pictures at once,` : ""}`;
  requireMemory(need, memory, what, batch > 1 ? "draw fewer pictures at once" : "draw a smaller picture");
}

// A full CLIP vocabulary spells any word from common pieces; a practice model's own does not, and the word is lost on it.
const SMALL_VOCABULARY = 10_000;

function notesOn({ text, files }: Pipeline, prompts: readonly string[]): string[] {
  const { tokenizer } = text.encoders[0]!;
  const small = files.model.textEncoders[0].config.vocabulary < SMALL_VOCABULARY;
  return prompts.flatMap((prompt) => {
    const cut = tokenizer.encode(prompt).cut
      ? [`The prompt is longer than ${tokenizer.maxTokens} tokens; its end was left out.`]
      : [];
    const unknown = small ? tokenizer.unknownWords(prompt) : [];
    const named = unknown
      .slice(0, 8)
      .map((word) => `"${word}"`)
      .join(", ");
    return named ? [...cut, `This model's small vocabulary does not know ${named}.`] : cut;
  });
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const [before, now] = [last, performance.now()];
    last = now;
    return Math.round(now - before) / 1000;
  };
}

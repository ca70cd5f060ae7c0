import { notesOnWords } from "#lib/diffusion/learned-words.ts";
import { type ModelFiles, readModelFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { drawingNeed, requireMemory } from "#lib/diffusion/needs.ts";
import type { Pipeline } from "#lib/diffusion/pipeline.ts";
import { promptsOf, sample as stepsOf } from "#lib/diffusion/sample.ts";
import { pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { latentSizeOf, requireRequest } from "#lib/diffusion/sample-request.ts";
import { type Prompt, readChunks } from "#lib/diffusion/text-conditioner.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import { readPrompt } from "#lib/prompt/read-prompt.ts";
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
  requireRoom(files, job, memoryFor(job.runtime, runtime));
  await report({ stage: "opening", done: 0, total: request.steps });
  const { pipeline, opened, coarsePicture, hashedFiles } = await openModel(files, request, runtime);
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
      notes: notesOn(pipeline, request),
      seconds: { open, loop, decode: clock() },
      warm: opened.length === 0,
      bytes: process.memoryUsage.rss(),
    };
  });
}

/** Refuses what would not fit into memory while nothing is open yet. @throws too_little_memory */
function requireRoom(files: ModelFiles, { request, pictures }: SampleJob, memory: number | null): void {
  if (memory === null) return;
  const { model } = files;
  const { start, plan, picture } = request;
  const size = latentSizeOf(files, request);
  const batch = "noise" in start ? start.noise.shape[0]! : start.batch;
  const need = drawingNeed(files, {
    ...size,
    batch,
    mode: plan.mode,
    cfgLayout: cfgLayoutFor(model.unet.weights.parameters),
    coarsePictures: pictures,
    fromPicture: picture !== null,
  });
  const { width, height } = pictureSizeOf(model, size);
  const what = `${model.name} at ${width} × ${height} px${batch > 1 ? `, ${batch} pictures at once,` : ""}`;
  requireMemory(need, memory, what, batch > 1 ? "draw fewer pictures at once" : "draw a smaller picture");
}

// A full CLIP vocabulary spells any word from common pieces; a practice model's own does not, and the word is lost on it.
const SMALL_VOCABULARY = 10_000;

function notesOn({ text, files }: Pick<Pipeline, "text" | "files">, request: SampleJob["request"]): string[] {
  const { tokenizer } = text.encoders[0]!;
  const small = files.model.textEncoders[0].config.vocabulary < SMALL_VOCABULARY;
  const notes = promptsOf(request).flatMap((prompt) => {
    const { cut, notes: said } = readChunks(prompt, tokenizer);
    const kept = `The prompt is longer than ${tokenizer.maxTokens} tokens; its end was left out`;
    return cut ? [...said, `${kept}. --prompt-syntax a1111 reads on in further chunks.`] : said;
  });
  const texts = promptsOf(request).map(wordsOf);
  const all = [...notes, ...notesOnWords(files, text.encoders, texts)];
  const unknown = texts.flatMap((words) => tokenizer.unknownWords(words));
  if (!small || unknown.length === 0) return all;
  const named = unknown.slice(0, 8).map((word) => `"${word}"`);
  return [...all, `This model's small vocabulary does not know ${named.join(", ")}.`];
}

/** What the text encoders read of a prompt, without what asks for networks. */
function wordsOf(prompt: Prompt): string {
  if (prompt === null || typeof prompt === "string") return prompt ?? "";
  const { pieces } = readPrompt(prompt.text, prompt.syntax, prompt.side);
  return pieces
    .filter(({ isBreak }) => !isBreak)
    .map(({ text }) => text)
    .join(" ");
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

import { fitCoarsePicture } from "#lib/diffusion/coarse-picture.ts";
import { readModelFiles, usedFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { latentSizeOf, openPipeline, type Pipeline, requireRequest, sample as stepsOf } from "#lib/diffusion/pipeline.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/session.ts";
import { toPicture } from "#lib/picture/rgb.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import type { Report, ResultOf, SampleJob } from "./messages.ts";

/** Draws a picture, with progress after every step. */
export async function sample({ choice, request, runtime, pictures }: SampleJob, report: Report): Promise<ResultOf<SampleJob>> {
  const clock = stopwatch();
  const files = await readModelFiles(choice);
  requireRequest(files, request);
  await report({ stage: "opening", done: 0, total: request.steps });
  const pipeline = await openPipeline(files, latentSizeOf(files, request.start), runtime);
  const coarse = pictures ? await fitCoarsePicture(files.folder.vae, runtime) : null;
  const open = clock();

  return namingNonFinite(files, async () => {
    let latents: FloatTensor | undefined;
    let passes = 0;
    for await (const step of stepsOf(pipeline, request)) {
      ({ latents, passes } = step);
      await report({ stage: "denoising", done: step.done, total: step.steps, ...(coarse && { picture: coarse(step.estimate) }) });
    }
    const loop = clock();
    const picture = toPicture(await pipeline.vae.decode(latents!));
    return {
      type: "sampled",
      latents: latents!,
      picture,
      passes,
      model: files.folder.name,
      files: await Promise.all(usedFiles(files).map(async ({ path, ...file }) => ({ ...file, sha256: await sha256OfFile(path) }))),
      runtime: { name: runtimeName, version: runtimeVersion(), ...runtime, graph: pipeline.unet.optimization, cfg: pipeline.cfgLayout },
      notes: notesOn(pipeline, [request.prompt, request.negativePrompt ?? ""]),
      seconds: { open, loop, decode: clock() },
    };
  });
}

// A full CLIP vocabulary spells any word from common pieces; a practice model's own does not, and the word is lost on it.
const SMALL_VOCABULARY = 10_000;

function notesOn({ tokenizer, files }: Pipeline, prompts: readonly string[]): string[] {
  const small = files.folder.textEncoder.config.vocabulary < SMALL_VOCABULARY;
  return prompts.flatMap((prompt) => {
    const cut = tokenizer.encode(prompt).cut ? [`The prompt is longer than ${tokenizer.maxTokens} tokens; its end was left out.`] : [];
    const unknown = small ? tokenizer.unknownWords(prompt) : [];
    const named = unknown.slice(0, 8).map((word) => `"${word}"`).join(", ");
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

import { passesOfMode } from "#lib/catalog/previews/passes.ts";
import { type Mode, modesOf, type Progress, type StoredRecipe, type Timings } from "#lib/catalog/previews/schema.ts";
import { getRecipe, recordPicture, recordSuccess, saveProgress } from "#lib/catalog/previews/work.ts";
import { usual } from "#lib/diffusion/sample-request.ts";
import { AppError } from "#lib/errors.ts";
import { encodePng } from "#lib/picture/png.ts";
import { type Recipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { recipeText } from "#lib/picture/recipe-text.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { version } from "#lib/version.ts";
import { type CommitFolder, openCommitFolder } from "#workers/files/commit-folder.ts";
import { modelIn } from "#workers/files/model-in.ts";
import type { ClaimedJob, JobHandler } from "#workers/hub/handler.ts";
import type { Progress as ChildProgress, ResultOf, SampleJob } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { atMost } from "./at-most.ts";

/** Draws the pictures of one seed, one mode after the other, on networks that stay open. Each is there as soon as it is drawn. */
export const previewHandler: JobHandler = async (job) => {
  const recipe = await getRecipe(job.subjectId);
  const took = await withChoice(recipe, (choice) => drawAll(recipe, choice, job));
  if (await recordSuccess(job.subjectId, job.attempt, took)) failpoint("preview.done");
};

/** The files of a recipe, laid out as long as `work` takes; the same for all modes, so that one child draws them all. */
async function withChoice<T>(
  { base, lowRank, guide }: StoredRecipe,
  work: (choice: SampleJob["choice"]) => Promise<T>,
): Promise<T> {
  const opened: CommitFolder[] = [];
  const open = async ({ commitId, name }: StoredRecipe["base"]): Promise<string> => {
    const folder = await openCommitFolder(commitId, name);
    opened.push(folder);
    return folder.folder;
  };
  try {
    const place = await modelIn(await open(base));
    const files = [];
    for (const { strength, textStrength, ...file } of lowRank)
      files.push({
        path: `${await open(file)}/${file.path}`,
        strength,
        ...(textStrength !== undefined && { textStrength }),
      });
    return await work({ ...place, lowRank: files, guide: guide && `${await open(guide)}/${guide.path}` });
  } finally {
    for (const { close } of opened) await close();
  }
}

/** @throws cancelled when this attempt is not wanted any more */
async function drawAll(recipe: StoredRecipe, choice: SampleJob["choice"], job: ClaimedJob): Promise<Timings> {
  const seed = BigInt(recipe.asked.seed);
  const timings: Timings = { open: 0, modes: {}, notes: notesOn(recipe) };
  const modesDone: Mode[] = [];
  for (const mode of modesOf(recipe)) {
    const sample = toJob(recipe, choice, mode);
    const { result, step, last } = await draw(sample, modesDone, job);
    failpoint("preview.drawn");
    modesDone.push(mode);
    const {
      picture: { width, height },
      passes,
      seconds,
    } = result;
    const made = recipeOf(sample, seed, result);
    const picture = {
      mode,
      seed,
      width,
      height,
      passes,
      milliseconds: Math.round(seconds.loop * 1000),
      recipe: toRecipeJson(made),
    };
    if (
      !(await recordPicture(job.subjectId, job.attempt, encodePng(result.picture, recipeText(made)), picture, {
        ...last,
        modesDone,
      }))
    )
      throw notWanted();
    timings.open += seconds.open;
    timings.pixels = width * height;
    timings.modes[mode] = { seconds: seconds.loop, step: step ?? seconds.loop, decode: seconds.decode, passes };
    for (const note of result.notes.map(inHubWords)) if (!timings.notes.includes(note)) timings.notes.push(note);
  }
  return timings;
}

/** More often than a person sees would only make rows. */
const PROGRESS_MS = 100;

interface Drawn {
  readonly result: ResultOf<SampleJob>;
  /** The middle one of the steps after the first, in seconds; null where there are none. */
  readonly step: number | null;
  readonly last: Progress;
}

async function draw(
  job: SampleJob,
  modesDone: readonly Mode[],
  { subjectId, attempt, signal, models }: ClaimedJob,
): Promise<Drawn> {
  const unwanted = new AbortController();
  const shown = atMost(PROGRESS_MS, async (said: ChildProgress) => {
    if (!(await saveProgress(subjectId, attempt, toProgress(job, modesDone, said)))) unwanted.abort();
  });
  const times: number[] = [];
  let last: ChildProgress = { type: "progress", stage: "opening", done: 0, total: job.request.steps };
  const onProgress = (said: ChildProgress): void => {
    if (said.stage === "denoising") times.push(performance.now());
    last = said;
    shown.offer(said);
  };
  try {
    const result = await models.run(job, { onProgress, signal: AbortSignal.any([signal, unwanted.signal]) });
    const steps = times.slice(1).map((time, i) => (time - times[i]!) / 1000);
    return {
      result,
      step: steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? null,
      last: toProgress(job, modesDone, last),
    };
  } finally {
    await shown.stop();
  }
}

const notWanted = (): AppError =>
  new AppError("cancelled", "The preview is not wanted any more; nothing more was written.");

function notesOn({ asked: { negativePrompt, cfgSteps }, guide, notes }: StoredRecipe): string[] {
  if (negativePrompt === null) return [...notes];
  const without =
    guide === null || cfgSteps > 0 ? "The conditional picture was" : "The conditional picture and the guide's were";
  return [...notes, `${without} drawn without the negative prompt: only CFG can follow one.`];
}

/** What the engine advises by its options, for who has a page before them. */
const inHubWords = (note: string): string =>
  note
    .replace("use --prompt-syntax a1111 to", "choose the prompt syntax of A1111 to")
    .replace("--prompt-syntax a1111 reads on", "The prompt syntax of A1111 reads on");

/** A mode as the pipeline takes it: without what means nothing in it. */
function toJob({ asked }: StoredRecipe, choice: SampleJob["choice"], mode: Mode): SampleJob {
  const { prompt, negativePrompt, promptSyntax, clipSkip, guidanceScale, sampler, steps, seed, width, height } = asked;
  const cfgSteps = mode === "guide" ? asked.cfgSteps : 0;
  const follows = mode === "cfg" || cfgSteps > 0;
  return {
    type: "sample",
    runtime: runtimeFor(),
    choice,
    request: {
      ...usual,
      prompt,
      negativePrompt: follows ? negativePrompt : null,
      promptSyntax,
      clipSkip,
      // Where nothing is guided by CFG there is no contrast to bring back.
      plan: {
        mode,
        guidanceScale,
        cfgSteps,
        ...(follows && { guidanceRescale: asked.guidanceRescale }),
        ...(mode === "guide" && asked.guideStrength !== 1 && { guideStrength: asked.guideStrength }),
      },
      sampler,
      steps,
      size: width === null || height === null ? null : { width, height },
      start: { seed: BigInt(seed), batch: 1, batchNoise: "one stream" },
    },
    pictures: true,
  };
}

function toProgress(
  { request: { plan, steps, sampler } }: SampleJob,
  modesDone: readonly Mode[],
  { stage, done, picture }: ChildProgress,
): Progress {
  return {
    mode: plan.mode,
    stage: stage === "opening" ? "opening" : done < steps ? "denoising" : "decoding",
    step: done,
    steps,
    passes: passesOfMode(plan.mode, { ...plan, sampler, steps }, done),
    modesDone: [...modesDone],
    picture: picture ? `data:image/png;base64,${Buffer.from(encodePng(picture, new Map())).toString("base64")}` : null,
  };
}

function recipeOf(
  { request: { prompt, negativePrompt, promptSyntax, clipSkip, plan, sampler, steps } }: SampleJob,
  seed: bigint,
  { picture: { width, height }, model, files, runtime, passes }: ResultOf<SampleJob>,
): Recipe {
  const { guidanceRescale, ...guidance } = plan;
  return {
    guidepost: version,
    prompt,
    negativePrompt,
    ...(promptSyntax !== "plain" && { promptSyntax }),
    ...(clipSkip > 0 && { clipSkip }),
    ...(guidanceRescale && { guidanceRescale }),
    ...guidance,
    steps,
    sampler,
    seed,
    latents: null,
    batch: 1,
    width,
    height,
    model,
    files,
    runtime,
    passes,
  };
}

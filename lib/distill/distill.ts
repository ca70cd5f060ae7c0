import { createHash } from "node:crypto";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { AppError } from "#lib/errors.ts";
import { knownStyle } from "#lib/measure/known-styles.ts";
import { rowsAtOnce } from "#lib/measure/rows-at-once.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { GuideChoice } from "#lib/pairing/guide-choice.ts";
import { version } from "#lib/version.ts";
import { differenceOf, FrozenBase, readBase } from "./base-files.ts";
import { createBatches } from "./batches.ts";
import { freshState } from "./fresh-guide.ts";
import { writeGuide } from "./guide-file.ts";
import { heldOutTexts, measureHeldOut, type Show } from "./held-out.ts";
import type { DistillRecord } from "./output/record.ts";
import { writeDistilled } from "./output/write-output.ts";
import { planRun, recomputes } from "./plan.ts";
import type { Plan } from "./plan-schema.ts";
import { probeSeconds } from "./probe.ts";
import type { Tell } from "./progress.ts";
import { splitPrompts } from "./prompts/split-prompts.ts";
import { type TrainingPrompts, usualPrompts } from "./prompts/training-prompts.ts";
import { hashOf, recipeFor } from "./recipe.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./run/checkpoint.ts";
import { onDisk } from "./run/disk.ts";
import { emptyHistory } from "./run/history.ts";
import { type Run, RunFolder } from "./run/run-folder.ts";
import type { openTrainingStep } from "./step/training-step.ts";
import { drawSamples } from "./samples.ts";
import { guideFor, readSubject, type Subject } from "./subject.ts";
import { drawMissing } from "./teacher/draw-missing.ts";
import { StatePieces } from "./teacher/state-pieces.ts";
import { train } from "./train.ts";

export interface DistillRequest {
  /** Where the base is; null where a run goes on and it is where it was. */
  readonly model: string | null;
  /** A folder of configs for a single file of another shape. */
  readonly config: string | null;
  readonly output: string;
  /** Null where the run in `output` goes on. */
  readonly begin: { readonly choice: GuideChoice; readonly prompts: TrainingPrompts | null } | null;
  /** At most so much work is lost where the process is killed. */
  readonly checkpointSeconds: number;
  /** Bytes that may be taken; null: as many as it needs. */
  readonly memory: number | null;
  /** Whether it shows pictures on the way; they take a little time, and decide nothing. */
  readonly samples: boolean;
}

export type OpenTrainingStep = typeof openTrainingStep;

/**
 * Makes a guide of a base, after stage 1 of Hsiao et al. 2024 (arXiv 2406.01954): the base draws, under CFG, states of its own; a small
 * network learns to add in one pass what CFG adds in two. Whenever it ends, what was done is in the folder and can be gone on with.
 */
export async function distill(
  request: DistillRequest,
  runtime: Runtime,
  openStep: OpenTrainingStep,
  tell: Tell,
): Promise<DistillRecord> {
  await using opened = new AsyncDisposableStack();
  const adopt = (folder: RunFolder): RunFolder => opened.adopt(folder, (one) => one.close());
  const begun = request.begin
    ? await beginRun(request, request.begin, runtime, adopt)
    : await goOn(request, runtime, adopt);
  const sitting = new Sitting(begun, request, openStep, tell);
  return await sitting.work(); // before the folder is let go
}

/** A run, and what it is about. */
interface Begun {
  readonly folder: RunFolder;
  readonly run: Run;
  readonly prompts: readonly string[];
  readonly subject: Subject;
  readonly config: GuideConfig;
}

type Adopt = (folder: RunFolder) => RunFolder;

/** Everything that can be refused is, before the folder is made. */
async function beginRun(
  { model, config, output }: DistillRequest,
  { choice, prompts: given }: NonNullable<DistillRequest["begin"]>,
  runtime: Runtime,
  adopt: Adopt,
): Promise<Begun> {
  if (model === null) throw new AppError("bad_request", "Which base? Write: npx guidepost distill BASE -o FOLDER.");
  const subject = await readSubject(model, config, runtime);
  const { files } = subject;
  const { source, prompts } = given ?? usualPrompts(await knownStyle(files), choice.trajectories);
  if (prompts.length === 0)
    throw new AppError(
      "bad_request",
      `${source} holds no prompts, and a base is asked to draw some; write one a line.`,
    );
  const recipe = recipeFor(choice, {
    prompts: { source, count: prompts.length, sha256: hashOf(prompts) },
    rows: 2 * rowsAtOnce(files.model.unet.weights.parameters),
    heldOut: splitPrompts(prompts).heldOut.length,
  });
  guideFor(recipe, subject, "");
  const folder = adopt(await RunFolder.begin(output));
  const base = await readBase(files, config);
  return { folder, run: { recipe, base }, prompts, subject, config: guideFor(recipe, subject, base.sha256) };
}

/** @throws conflict where the base is another one than it was */
async function goOn({ model, config, output }: DistillRequest, runtime: Runtime, adopt: Adopt): Promise<Begun> {
  const folder = adopt(await RunFolder.goOn(output));
  const { run, prompts } = await folder.readRun();
  const configFolder = config ?? run.base.config;
  const subject = await readSubject(model ?? run.base.path, configFolder, runtime);
  const difference = differenceOf(run.base, await readBase(subject.files, configFolder));
  if (difference !== null) {
    const own = `The run in ${output} is of ${run.base.name} (UNet sha256 ${run.base.sha256.slice(0, 12)}…)`;
    throw new AppError(
      "conflict",
      `${own}, and ${subject.files.model.path} is not what that was: ${difference} differs; give the base that it was begun with.`,
      { difference },
    );
  }
  return { folder, run, prompts, subject, config: guideFor(run.recipe, subject, run.base.sha256) };
}

/** One stretch of a run, from where it stands to its guide or to whatever ends it earlier. */
class Sitting {
  readonly #begun: Begun;
  readonly #request: DistillRequest;
  readonly #openStep: OpenTrainingStep;
  readonly #tell: Tell;
  readonly #base: FrozenBase;
  readonly #pieces: StatePieces;
  readonly #recipeHash: string;
  #last: Checkpoint | null = null;

  constructor(begun: Begun, request: DistillRequest, openStep: OpenTrainingStep, tell: Tell) {
    const { folder, run, subject } = begun;
    this.#begun = begun;
    this.#request = request;
    this.#openStep = openStep;
    this.#tell = tell;
    this.#base = new FrozenBase(subject.files, run.base);
    this.#recipeHash = hashOf([run.recipe, run.base.sha256]);
    this.#pieces = new StatePieces(folder.path("states"), this.#recipeHash);
  }

  async work(): Promise<DistillRecord> {
    const { folder, run, prompts, subject } = this.#begun;
    const plan = await this.#plan();
    if (this.#request.begin) await folder.writeRun(run, prompts);
    this.#last = await readCheckpoint(folder.path("checkpoint.safetensors"), this.#recipeHash);
    return onDisk(folder.output, this.#goingOn, async () => {
      try {
        const seconds = await probeSeconds(plan, subject);
        await this.#tell({ stage: "states", done: 0, total: 1, secondsLeft: null, plan: { ...plan, seconds } });
        const states = await this.#drawStates(seconds);
        const checkpoint = await this.#train(states);
        await this.#base.requireUnchanged(this.#goingOn, "every byte");
        const record = await this.#write(plan, checkpoint);
        await folder.remove();
        return record;
      } catch (failure) {
        if (!(failure instanceof AppError) || failure.code !== "cancelled") throw failure;
        const at = this.#last
          ? `at step ${this.#last.state.steps} of ${run.recipe.training.steps}`
          : "before its first step";
        throw new AppError("cancelled", `Stopped ${at}; ${this.#goingOn()}.`, {}, failure);
      }
    });
  }

  /** How a run goes on that was ended. */
  readonly #goingOn = (): string => `go on with: npx guidepost distill --resume ${this.#request.output}`;

  #plan(): Promise<Plan> {
    const { folder, run, subject, config } = this.#begun;
    const { parameters } = subject.files.model.unet.weights;
    return planRun({
      base: { name: run.base.name, parameters, sha256: run.base.sha256 },
      config,
      recipe: run.recipe,
      parts: subject.parts,
      folder: folder.path(),
      memory: this.#request.memory,
      vae: this.#request.samples ? subject.files.model.vae : null,
    });
  }

  async #drawStates({ training }: { readonly training: number }): Promise<number> {
    const { run, prompts, subject } = this.#begun;
    const begun = performance.now();
    let first: number | null = null; // what was there already says nothing of how fast it goes
    return drawMissing(subject, run.recipe, splitPrompts(prompts).training, this.#pieces, (done, total) => {
      const [before, elapsed] = [(first ??= done), (performance.now() - begun) / 1000];
      const left = done > before ? (elapsed * (total - done)) / (done - before) + training : null;
      return this.#tell({ stage: "states", done, total, secondsLeft: left });
    });
  }

  async #train(statesSeconds: number): Promise<Checkpoint> {
    const { folder, run, prompts, subject, config } = this.#begun;
    const { recipe } = run;
    const { batch, optimizer } = recipe.training;
    await using opened = new AsyncDisposableStack();
    const initial = this.#last?.state ?? freshState(config, recipe.seed);
    const step = await this.#openStep({
      base: subject.parts,
      guide: config,
      size: subject.parts,
      batch,
      optimizer,
      initial,
      runtime: subject.runtime,
      recompute: recomputes(subject.parts),
    });
    opened.defer(() => step.close());
    const history = this.#last?.history ?? emptyHistory;
    const texts = await heldOutTexts(subject, splitPrompts(prompts).heldOut);
    const place = {
      ...subject,
      ...texts,
      recipe,
      config,
      schedule: subject.files.model.schedule,
      folder: folder.path(),
    };
    let withCfg = true; // once a sitting, for an earlier one may have been lost before it was seen
    const show: Show | null = this.#request.samples
      ? async (networks, at) => {
          const asked = { model: subject.files.model, prompts: splitPrompts(prompts).heldOut, withCfg };
          const samples = await drawSamples(networks, place, at, asked);
          withCfg = false;
          await this.#tell({ stage: "held-out", done: 1, total: 1, secondsLeft: null, samples });
        }
      : null;
    return await train({
      recipe,
      step,
      history: { ...history, seconds: { ...history.seconds, states: statesSeconds } },
      batchOf: createBatches(recipe, this.#pieces),
      measure: (weights, at, tick) => measureHeldOut(place, weights, at, tick, show),
      keep: async (checkpoint) => {
        await this.#base.requireUnchanged(this.#goingOn);
        await writeCheckpoint(folder.path("checkpoint.safetensors"), this.#recipeHash, checkpoint);
        this.#last = checkpoint;
      },
      checkpointSeconds: this.#request.checkpointSeconds,
      tell: this.#tell,
    });
  }

  async #write(plan: Plan, { state, history }: Checkpoint): Promise<DistillRecord> {
    const { folder, run, prompts, subject, config } = this.#begun;
    const { recipe, base } = run;
    const guide = writeGuide({ ...config, trainedOn: this.#trainedOn() }, state.average);
    const record: DistillRecord = {
      format: "guidepost-distilled/1",
      guidepost: version,
      base: {
        name: base.name,
        sha256: base.sha256,
        sha256After: base.sha256,
        files: base.files,
        parameters: plan.base.parameters,
        trainable: 0,
      },
      guide: {
        ...plan.guide,
        share: plan.guide.parameters / plan.base.parameters,
        sha256: createHash("sha256").update(guide).digest("hex"),
      },
      recipe,
      recipeSha256: hashOf(recipe),
      states: { count: plan.states.count, passes: plan.states.passes },
      seconds: history.seconds,
      runtime: { name: runtimeName, version: runtimeVersion(), ...subject.runtime },
      heldOut: history.heldOut.at(-1)!,
    };
    await writeDistilled(folder.output, { guide, record, history, prompts });
    return record;
  }

  /** For people who look into the file. */
  #trainedOn(): Record<string, string> {
    const { recipe, base } = this.#begun.run;
    const { training, teacher, prompts } = recipe;
    return {
      "train.by": `guidepost ${version}`,
      "train.steps": String(training.steps),
      "train.batch": String(training.batch),
      "train.lr": String(training.learningRate),
      "train.trajectories": String(teacher.trajectories),
      "train.prompts": String(prompts.count),
      "train.seed": String(recipe.seed),
      "train.recipe.sha256": hashOf(recipe),
      "train.base.sha256.after": base.sha256,
    };
  }
}

import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { publishGuide, getAsked, recordKept, recordPlan, type Asked } from "#lib/catalog/distillations/work.ts";
import type { DistillRecord } from "#lib/distill/output/record.ts";
import { readHistory } from "#lib/distill/run/checkpoint.ts";
import { outputNames } from "#lib/distill/output/write-output.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { withCommitFolder } from "#workers/files/commit-folder.ts";
import { withKeptPieces } from "#workers/files/kept-pieces.ts";
import { modelIn } from "#workers/files/model-in.ts";
import { ownFolder } from "#workers/files/own-folder.ts";
import { packRun, unpackRun } from "#workers/files/run-bundle.ts";
import type { ClaimedJob, JobHandler } from "#workers/hub/handler.ts";
import type { DistillJob, Progress } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { metricsWriter } from "./metrics-writer.ts";

/** So much work is lost at most where a worker is killed, in seconds. */
const CHECKPOINT_SECONDS = 20;

/** How often it is looked whether the child has left another checkpoint, in milliseconds. */
const LOOK_EVERY = 1000;

const CHECKPOINT = "checkpoint.safetensors";

/** Makes a guide of a base and publishes it. @param checkpointSeconds how often what was done is kept */
export const distillOf =
  (checkpointSeconds: number): JobHandler =>
  async (job) => {
    const asked = await getAsked(job.subjectId);
    const output = join(await ownFolder("runs"), `${job.subjectId}-${job.attempt}`);
    try {
      const record = await withCommitFolder(asked.base.commitId, asked.base.name, (folder) =>
        make(asked, job, { folder, output, checkpointSeconds }),
      );
      const files = await inOrder(outputNames, async (path) => ({ path, bytes: await readFile(join(output, path)) }));
      const seconds = record.seconds.states + record.seconds.training;
      await publishGuide(job.subjectId, job.attempt, asked, { files, record, seconds });
    } finally {
      await rm(output, { recursive: true, force: true });
    }
  };

export const distillHandler = distillOf(CHECKPOINT_SECONDS);

interface Place {
  /** The base, laid out. */
  readonly folder: string;
  readonly output: string;
  readonly checkpointSeconds: number;
}

async function make(
  asked: Asked,
  job: ClaimedJob,
  { folder, output, checkpointSeconds }: Place,
): Promise<DistillRecord> {
  const { subjectId: id, attempt, models } = job;
  const kept = await job.checkpoint.read();
  if (kept) await unpackRun(output, kept);
  const history = await readHistory(join(output, "run", CHECKPOINT));
  const { choice, prompts } = asked;
  const place = await modelIn(folder);
  const distill: DistillJob = {
    type: "distill",
    runtime: runtimeFor(),
    ...place,
    output,
    begin: kept ? null : { choice, prompts: prompts && { source: "the prompts given", prompts } },
    checkpointSeconds,
    samples: true,
  };
  const unwanted = new AbortController();
  const metrics = metricsWriter(id, attempt, () => unwanted.abort());
  if (history) metrics.goOn(history); // its worker may have been lost before it wrote the last of it
  const keeper = keepRun(job, output, () => unwanted.abort());
  const onProgress = (said: Progress): void => {
    const plan = said.distilling?.plan;
    if (plan) void recordPlan(id, attempt, plan).catch(warn("plan"));
    metrics.offer(said);
  };
  const signal = AbortSignal.any([job.signal, unwanted.signal]);
  const run = async (): Promise<DistillRecord> =>
    (
      await models.run(distill, { signal, onProgress }).catch((failure: unknown) => {
        throw inHubWords(failure);
      })
    ).record;
  try {
    // What a run that begins finds in its folder it takes for another's.
    const pieces = { key: id, prefix: "", brings: kept !== null };
    return await withKeptPieces(pieces, join(output, "run", "states"), run);
  } finally {
    await keeper.stop();
    await metrics.stop();
  }
}

interface Keeper {
  /** Keeps what there is by now, and nothing more after that. */
  stop(): Promise<void>;
}

/** Puts each checkpoint that a child leaves in its folder where another worker finds it. */
function keepRun({ subjectId, checkpoint }: ClaimedJob, output: string, onLost: () => void): Keeper {
  const stopped = new AbortController();
  let seen = "";
  const keep = async (): Promise<void> => {
    const looks = await looksOf(output);
    if (looks === seen) return;
    const packed = await packRun(output);
    if (packed === null) return;
    await checkpoint.write(packed);
    seen = looks;
    const history = await readHistory(join(output, "run", CHECKPOINT));
    if (history) await recordKept(subjectId, history.losses.length);
  };
  const once = (): Promise<void> =>
    keep().catch((cause: unknown) => {
      if (cause instanceof AppError && cause.code === "cancelled") onLost();
      else warn("checkpoint")(cause);
    });
  const work = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await once();
      await sleep(LOOK_EVERY, undefined, { signal: stopped.signal }).catch(() => {});
    }
  };
  const working = work();
  return {
    async stop() {
      stopped.abort();
      await working;
      await once();
    },
  };
}

/** Another text whenever the run has begun or left another checkpoint. */
async function looksOf(output: string): Promise<string> {
  const times = await inOrder(["run.json", CHECKPOINT], (name) =>
    stat(join(output, "run", name)).then(
      ({ mtimeMs, ino }) => `${ino} ${mtimeMs}`,
      () => "",
    ),
  );
  return times.join();
}

const warn =
  (what: string) =>
  (cause: unknown): void =>
    log().warn({ event: `distill.${what}`, err: cause }, (cause as Error).message);

/** What the engine advises by commands and names of folders, for who has a page before them. */
function inHubWords(failure: unknown): unknown {
  if (!(failure instanceof AppError)) return failure;
  const { code, detail } = failure;
  const say = (message: string): AppError => new AppError(code, message, detail, failure, failure.toOperator);
  switch (code) {
    case "disk_full":
      return say(
        "The disk of the worker is full; once its operator has made room it goes on from its last checkpoint.",
      );
    case "conflict":
      return say(
        "The base's files on the worker are not what its commit has, so no guide was made; resume it, and if it stays so tell the hub's operator.",
      );
    case "cancelled": // told only where it was nobody's wish: else the job has ended already
      return say("The guide's repo was deleted while it was made, so nothing was published.");
    case "too_little_memory":
      return say(failure.message.replace("with a smaller --batch", "let it see fewer states in a step"));
    case "not_finite":
      return say(
        `After step ${String(detail["step"])} the loss or a weight is not a number, most often because the steps are too large; begin another with a smaller learning rate.`,
      );
    default:
      return failure;
  }
}

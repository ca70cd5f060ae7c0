import { setPriority } from "node:os";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { InferenceProcess, type InferenceOptions } from "#workers/inference/client.ts";
import type { Job, ResultOf, SampleJob } from "#workers/inference/messages.ts";
import { estimateBytes, modelKey } from "./model-bytes.ts";

/** The inference children of a worker: opened when first needed, kept warm while the byte budget lasts, least recently used goes first. */
export interface Models {
  /** Runs a job in a child that has its networks open, or in a new one. */
  run<J extends Job>(job: J, options?: RunOptions): Promise<ResultOf<J>>;
  /** The children that are there, the least recently used first. */
  loaded(): readonly LoadedModel[];
  close(): void;
}

export interface RunOptions extends InferenceOptions {
  /** From 0 to 19, as `nice` has it: how far a measurement steps back before others on the processor. Who draws a picture never does. */
  readonly niceness?: number;
  /** What the child may take, in bytes; null where nothing limits it. */
  readonly memory?: number | null;
  /** By which the hub knows what a child holds open after it. */
  readonly modelKey?: string | null;
}

export interface LoadedModel {
  readonly pid: number | undefined;
  /** What it said it holds; before its first job is done, what its weights will take. */
  readonly bytes: number;
  readonly busy: boolean;
  /** As the job that opened it named it. */
  readonly key: string | null;
}

interface Child {
  readonly process: InferenceProcess;
  /** What it has open; null for one that ends with its job. */
  readonly key: string | null;
  bytes: number;
  /** While it is busy: what its job may take. */
  granted: number;
  busy: boolean;
  /** As the job that opened it named its model. */
  name: string | null;
}

/** Takes minutes and more, of a whole worker. */
const isMeasuring = ({ type }: Job): boolean =>
  type === "check" || type === "curve" || type === "envelope" || type === "distill";

/** What reads a commit steps back a little before a picture: for both somebody waits, and of commits there are many. */
const READING_NICENESS = 2;

/**
 * Pictures are drawn by children that stay, one for each model; everything else gets a child of its own that ends with it. A child that
 * died, was killed or failed its job is forgotten, since nobody knows what it left in its memory.
 *
 * @param budget in bytes. What runs now is never taken away: the budget decides what stays beside it.
 * @param memory in bytes, of all children together: what stays makes room for what begins. Null: nothing limits it
 */
export function createModels(budget = env().workerBytes, memory: number | null = null): Models {
  const children = new Set<Child>(); // in the order of their last use

  const close = (child: Child): void => {
    children.delete(child);
    child.process.close();
  };

  const makeRoom = (needed: number): void => {
    for (const child of children) if (!child.process.isAlive) children.delete(child);
    const held = (of: (child: Child) => number, more: number): number =>
      [...children].reduce((sum, child) => sum + of(child), more);
    const isRoom = (): boolean =>
      held(({ bytes }) => bytes, needed) <= budget &&
      (memory === null || held(({ busy, bytes, granted }) => (busy ? granted : bytes), 0) <= memory);
    for (const child of children) {
      if (isRoom()) return;
      if (child.busy) continue;
      log().info({ event: "model.closed", pid: child.process.pid, bytes: child.bytes });
      close(child);
    }
  };

  const open = (key: string | null, bytes: number): Child => {
    const child: Child = { process: new InferenceProcess(), key, bytes, granted: bytes, busy: true, name: null };
    children.add(child);
    log().info({ event: "model.child", pid: child.process.pid, bytes });
    return child;
  };

  const runOnce = async <J extends Job>(
    job: J,
    { niceness = 0, memory: granted = null, ...options }: RunOptions,
  ): Promise<ResultOf<J>> => {
    const bytes = await estimateBytes(job);
    makeRoom(bytes);
    const child = open(null, bytes);
    // Whoever only reads files is bounded by nothing that was granted, and takes what it was thought to take.
    if ("runtime" in job) child.granted = granted ?? bytes;
    makeRoom(0);
    stepBack(child.process.pid, isMeasuring(job) ? niceness : READING_NICENESS);
    try {
      return await child.process.run(within(job, granted), options);
    } finally {
      close(child);
    }
  };

  const runWarm = async (
    job: SampleJob,
    { modelKey: name = null, memory: granted = null, ...options }: RunOptions,
  ): Promise<ResultOf<SampleJob>> => {
    const [key, bytes] = [await modelKey(job), await estimateBytes(job)];
    const idle = [...children].find((child) => child.key === key && !child.busy && child.process.isAlive);
    if (!idle) makeRoom(bytes);
    const child = idle ?? open(key, bytes);
    [child.busy, child.granted] = [true, granted ?? Math.max(bytes, child.bytes)];
    child.name = name;
    children.delete(child);
    children.add(child);
    makeRoom(0);
    try {
      const result = await child.process.run(within(job, granted), options);
      child.bytes = result.bytes;
      return result;
    } catch (failure) {
      if (!(failure instanceof AppError && failure.code === "cancelled")) close(child);
      throw failure;
    } finally {
      child.busy = false;
      makeRoom(0);
    }
  };

  return {
    run: <J extends Job>(job: J, options: RunOptions = {}) =>
      job.type === "sample" ? (runWarm(job, options) as Promise<ResultOf<J>>) : runOnce(job, options),
    loaded: () => [...children].map(({ process: { pid }, bytes, busy, name }) => ({ pid, bytes, busy, key: name })),
    close: () => children.forEach(close),
  };
}

/** A child refuses what would take more than the job was given, before it opens anything. */
const within = <J extends Job>(job: J, memory: number | null): J =>
  memory !== null && "runtime" in job ? { ...job, runtime: { ...job.runtime, memory } } : job;

function stepBack(pid: number | undefined, niceness: number): void {
  try {
    if (pid !== undefined) setPriority(pid, niceness);
  } catch {
    // it ended already, which its job will say
  }
}

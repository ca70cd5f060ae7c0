import { rmdirSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { Socket } from "node:net";
import { AppError } from "#lib/errors.ts";
import { check } from "./check.ts";
import { curve } from "./curve.ts";
import { distill } from "./distill.ts";
import { envelope } from "./envelope.ts";
import { Frames, toFrame } from "#lib/util/frames.ts";
import { compareWithBases, inspect } from "./inspect.ts";
import { type ChildMessage, type Job, MOST_BYTES, parentMessage, type Report, type ResultOf } from "./messages.ts";
import { probe } from "./runtime.ts";
import { sample } from "./sample.ts";

/**
 * The process that runs networks. A run blocks its event loop and cannot be stopped from inside, and a native crash takes
 * the process along; so it holds nothing but its work, one job at a time, and leaves when its parent does.
 */
let cancelled = false;
let busy = false;
let paused: PromiseWithResolvers<void> | null = null;

const resume = (): void => {
  paused?.resolve();
  paused = null;
};

const channel = new Socket({ fd: 3 });
const frames = new Frames(MOST_BYTES);

const say = (message: ChildMessage): void => {
  if (channel.writable) channel.write(toFrame(message));
};

const report: Report = async (progress) => {
  say({ type: "progress", ...progress });
  await new Promise((resolve) => setImmediate(resolve));
  await paused?.promise;
  if (cancelled) throw new AppError("cancelled", "The work was cancelled; nothing was written.");
};

async function run(job: Job): Promise<void> {
  busy = true;
  cancelled = false;
  resume();
  try {
    say(await work(job));
  } catch (failure) {
    const { code, message, detail } =
      failure instanceof AppError
        ? failure
        : new AppError("internal", `Something went wrong on our side: ${(failure as Error).message}`, {
            stack: (failure as Error).stack,
          });
    say({ type: "failed", code, message, detail: structuredClone({ ...detail }) });
  } finally {
    busy = false;
  }
}

function work(job: Job): Promise<ResultOf<Job>> {
  switch (job.type) {
    case "sample":
      return sample(job, report);
    case "check":
      return check(job, report);
    case "curve":
      return curve(job, report);
    case "envelope":
      return envelope(job, report);
    case "inspect":
      return inspect(job);
    case "kinship":
      return compareWithBases(job, report);
    case "distill":
      return distill(job, report);
    case "probe":
      return probe();
  }
}

function hear(raw: unknown): void {
  const message = parentMessage.parse(raw);
  if (message.type === "cancel") {
    cancelled = true;
    resume();
  } else if (message.type === "pause") paused ??= Promise.withResolvers();
  else if (message.type === "resume") resume();
  else if (busy)
    say({
      type: "failed",
      code: "internal",
      message: "The inference process was given a second job while busy.",
      detail: {},
    });
  else void run(message);
}

channel.on("data", (piece: Buffer) => frames.take(piece).forEach(hear));
channel.on("error", () => {}); // a parent that is gone
channel.on("close", () => {
  try {
    rmdirSync(process.cwd()); // empty, and nobody else is left to do it
  } finally {
    process.exit(0);
  }
});
// Ctrl-C reaches the whole group; the parent decides what it means.
process.on("SIGINT", () => {});
flushCompileCache(); // what it compiled serves the next one; it is killed in the end, and keeps nothing then
say({ type: "ready" });

import { Socket } from "node:net";
import { setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { AppError } from "#lib/errors.ts";
import { Frames, toFrame } from "#lib/util/frames.ts";
import { factsOf } from "../facts.ts";
import { parseFrontMatter } from "../front-matter.ts";
import { markdownToHtml } from "../html.ts";
import { type Answer, CPU_MS, MOST_BYTES, type Task } from "./messages.ts";

// Reads texts of strangers for whoever started this process, which ends it, or which the watch ends, when one takes too much.

const NICENESS = 10; // a hostile text then takes its time from nobody
setPriority(NICENESS);

const limit = new Float64Array(new SharedArrayBuffer(8)); // in milliseconds of processor time; 0: nothing is read
const watch = new Worker(new URL("./watch.ts", import.meta.url), { workerData: limit, execArgv: [] });
watch.once("online", () => say({ type: "ready" }));
watch.once("error", (cause) => {
  throw cause;
});

const channel = new Socket({ fd: 3 });
const frames = new Frames(MOST_BYTES);
channel.on("data", (piece: Buffer) => frames.take(piece).forEach((task) => hear(task as Task)));
channel.on("error", () => {}); // a parent that is gone
channel.once("close", () => process.exit(0));

function hear(task: Task): void {
  const { user, system } = process.cpuUsage();
  limit[0] = (user + system) / 1000 + CPU_MS[task.kind];
  const said = read(task);
  limit[0] = 0;
  say(said);
}

function read(task: Task): Answer {
  try {
    if (task.kind === "html") return { type: "html", value: markdownToHtml(task.text) };
    const frontMatter = task.yaml === null ? {} : parseFrontMatter(task.yaml);
    return { type: "facts", value: { frontMatter, facts: factsOf(frontMatter, task.text) } };
  } catch (cause) {
    if (task.kind === "html" && cause instanceof RangeError)
      // the parsers are recursive
      return { type: "refused", why: "It is shown as it was written, for it is nested too deep." };
    return { type: "refused", why: cause instanceof AppError ? cause.message : firstLine(cause) };
  }
}

const firstLine = (cause: unknown): string =>
  String(cause instanceof Error ? cause.message : cause)
    .split("\n")[0]!
    .slice(0, 1000);

function say(answer: Answer): void {
  channel.write(toFrame(answer));
}

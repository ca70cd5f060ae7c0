import { setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { AppError } from "#lib/errors.ts";
import { factsOf } from "../facts.ts";
import { parseFrontMatter } from "../front-matter.ts";
import { markdownToHtml } from "../html.ts";
import { type Answer, CPU_MS, type Task } from "./messages.ts";

// Reads texts of strangers for whoever started this process, which ends it, or which the watch ends, when one takes too much.

const NICENESS = 5; // a hostile text then takes its time from nobody
setPriority(NICENESS);

const limit = new Float64Array(new SharedArrayBuffer(8)); // in milliseconds of processor time; 0: nothing is read
const watch = new Worker(new URL("./watch.ts", import.meta.url), { workerData: limit, execArgv: [] });
watch.once("online", () => say({ type: "ready" }));
watch.once("error", (cause) => {
  throw cause;
});

process.on("message", (task: Task) => {
  const { user, system } = process.cpuUsage();
  limit[0] = (user + system) / 1000 + CPU_MS[task.kind];
  const answer = read(task);
  limit[0] = 0;
  say(answer);
});
process.once("disconnect", () => process.exit(0));

function read(task: Task): Answer {
  try {
    if (task.kind === "html") return { type: "read", value: markdownToHtml(task.text) };
    const frontMatter = task.yaml === null ? {} : parseFrontMatter(task.yaml);
    return { type: "read", value: { frontMatter, facts: factsOf(frontMatter, task.text) } };
  } catch (cause) {
    if (task.kind === "html" && cause instanceof RangeError)
      // the parsers are recursive
      return { type: "refused", why: "It is shown as it was written, for it is nested too deep." };
    return { type: "refused", why: cause instanceof AppError ? cause.message : firstLine(cause) };
  }
}

const firstLine = (cause: unknown): string => String(cause instanceof Error ? cause.message : cause).split("\n")[0]!;

function say(answer: Answer): void {
  process.send!(answer);
}

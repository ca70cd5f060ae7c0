import { InferenceProcess } from "#workers/inference/client.ts";
import type { Job, ResultOf } from "#workers/inference/messages.ts";
import { type ProgressLine, progressLine } from "./progress.ts";

interface RunOptions {
  readonly line?: ProgressLine;
  /** How many milliseconds it may take to stop. */
  readonly patience?: number;
}

/** Runs a job in a child of its own, with a progress line; Ctrl-C asks it to stop. */
export async function runJob<J extends Job>(
  job: J,
  { line = progressLine(), patience }: RunOptions = {},
): Promise<ResultOf<J>> {
  const cancel = new AbortController();
  const abort = (): void => cancel.abort();
  const child = new InferenceProcess();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  try {
    return await child.run(job, {
      onProgress: (progress) => line.show(progress),
      signal: cancel.signal,
      ...(patience !== undefined && { patience }),
    });
  } finally {
    line.clear();
    child.close();
    process.off("SIGINT", abort);
    process.off("SIGTERM", abort);
  }
}

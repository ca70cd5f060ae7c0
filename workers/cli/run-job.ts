import { InferenceProcess } from "#workers/inference/client.ts";
import type { Job, ResultOf } from "#workers/inference/messages.ts";
import { progressLine } from "./progress.ts";

/** Runs a job in a child of its own, with a progress line; Ctrl-C asks it to stop. */
export async function runJob<J extends Job>(job: J): Promise<ResultOf<J>> {
  const cancel = new AbortController();
  const abort = (): void => cancel.abort();
  const line = progressLine();
  const child = new InferenceProcess();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  try {
    return await child.run(job, { onProgress: (progress) => line.show(progress), signal: cancel.signal });
  } finally {
    line.clear();
    child.close();
    process.off("SIGINT", abort);
    process.off("SIGTERM", abort);
  }
}

import type { InferenceOptions } from "#workers/inference/client.ts";
import type { Job, ResultOf } from "#workers/inference/messages.ts";

/** The inference children of a worker: opened when first needed, kept warm while the byte budget lasts, least recently used goes first. */
export interface Models {
  /** Runs a job in a child that has its networks open, or in a new one. */
  run<J extends Job>(job: J, options?: InferenceOptions): Promise<ResultOf<J>>;
  close(): Promise<void>;
}

import { distillOf } from "#workers/hub/handlers/distill.ts";
import { hashHandler } from "#workers/hub/handlers/hash.ts";
import { inspectHandler } from "#workers/hub/handlers/inspect.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import { runWorker } from "#workers/hub/worker.ts";

/** What is asked for is seen, and nothing is measured. */
const nothing: JobHandler = async () => false;

/** The worker of a hub as it is, which keeps each step of a training: so a test that kills it need not wait. */
await runWorker({
  handlers: {
    hash: hashHandler,
    inspect: inspectHandler,
    check: nothing,
    preview: previewHandler,
    curve: nothing,
    envelope: nothing,
    distill: distillOf(0),
  },
  sweep: async () => {},
});

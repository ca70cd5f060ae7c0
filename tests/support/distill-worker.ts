import { checkHandler } from "#workers/hub/handlers/check.ts";
import { curveHandler } from "#workers/hub/handlers/curve.ts";
import { distillOf } from "#workers/hub/handlers/distill.ts";
import { envelopeHandler } from "#workers/hub/handlers/envelope.ts";
import { hashHandler } from "#workers/hub/handlers/hash.ts";
import { inspectHandler } from "#workers/hub/handlers/inspect.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { runWorker } from "#workers/hub/worker.ts";

/** The worker of a hub as it is, which keeps each step of a training: so a test that kills it need not wait. */
await runWorker({
  handlers: {
    hash: hashHandler,
    inspect: inspectHandler,
    check: checkHandler,
    preview: previewHandler,
    curve: curveHandler,
    envelope: envelopeHandler,
    distill: distillOf(0),
  },
  sweep: async () => {},
});

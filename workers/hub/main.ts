import { waitForDatabase } from "#lib/db/client.ts";
import { waitForStore } from "#lib/storage/open-store.ts";
import { checkHandler } from "./handlers/check.ts";
import { curveHandler } from "./handlers/curve.ts";
import { distillHandler } from "./handlers/distill.ts";
import { envelopeHandler } from "./handlers/envelope.ts";
import { hashHandler } from "./handlers/hash.ts";
import { inspectHandler } from "./handlers/inspect.ts";
import { previewHandler } from "./handlers/preview.ts";
import { sweep } from "./sweeper.ts";
import { runWorker } from "./worker.ts";

/** The worker process of a hub: hashes, inspects, measures and draws what the queue has. */
waitForDatabase();
waitForStore();
await runWorker({
  handlers: {
    hash: hashHandler,
    inspect: inspectHandler,
    check: checkHandler,
    preview: previewHandler,
    curve: curveHandler,
    envelope: envelopeHandler,
    distill: distillHandler,
  },
  sweep,
});

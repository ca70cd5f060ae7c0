import { join } from "node:path";
import { env, requireSecret } from "#lib/env.ts";
import { DiskStore } from "./disk.ts";
import { S3Store } from "./s3.ts";
import type { ObjectStore } from "./store.ts";

// Next may load this module more than once in one process; connections must not multiply.
const shared = globalThis as { guidepostStore?: ObjectStore };

const JOB_PATIENCE_MS = 120_000;
let patienceMs = 0;

/** For a process whose work has time: while the store is away its calls wait for it, and only then fail. Before the first of them. */
export const waitForStore = (): void => void (patienceMs = JOB_PATIENCE_MS);

/** Where this hub keeps its bytes: the bucket of S3_* if that is set, else the data folder. */
export function objectStore(): ObjectStore {
  return (shared.guidepostStore ??= openStore());
}

/** A store of its own. Who only reads and writes by it, and signs no links, has no need of the hub's secret. */
export function openStore(secretOf: () => string = requireSecret): ObjectStore {
  const { s3, dataFolder, publicUrl } = env();
  return s3
    ? new S3Store(s3, { patienceMs })
    : new DiskStore({ folder: join(dataFolder, "objects"), publicUrl, secret: secretOf() }, { patienceMs });
}

import { join } from "node:path";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { DiskStore } from "./disk.ts";
import { S3Store } from "./s3.ts";
import type { ObjectStore } from "./store.ts";

// Next may load this module more than once in one process; connections must not multiply.
const shared = globalThis as { guidepostStore?: ObjectStore };

/** Where this hub keeps its bytes: the bucket of S3_* if that is set, else the data folder. */
export function objectStore(): ObjectStore {
  return (shared.guidepostStore ??= openStore());
}

function openStore(): ObjectStore {
  const { s3, dataFolder, publicUrl, secret } = env();
  if (s3) return new S3Store(s3);
  if (secret) return new DiskStore({ folder: join(dataFolder, "objects"), publicUrl, secret });
  throw new AppError("internal", "GUIDEPOST_SECRET is not set; start with npm start, which makes one and sets it.");
}

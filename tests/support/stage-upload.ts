import { randomUUID } from "node:crypto";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { completeUpload } from "#lib/catalog/uploads/service.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";

/** Begins an upload of one part and puts its bytes into the disk store, past HTTP. @returns its id */
export async function stageUpload(
  actor: Actor,
  repo: string,
  path: string,
  bytes: Uint8Array,
  sha256?: string,
): Promise<string> {
  const [owner, name] = repo.split("/") as [string, string];
  const { id } = await beginUpload(
    actor,
    { owner, repo: name },
    { path, size: bytes.byteLength, sha256, idempotencyKey: randomUUID() },
  );
  const { storageKey, storageId } = await database().upload.findUniqueOrThrow({ where: { id } });
  if (storageId !== null)
    await (objectStore() as DiskStore).receivePart(
      storageKey,
      { storageId, number: 1, size: bytes.byteLength },
      toStream(bytes),
    );
  return id;
}

/** The same, up to the point where a worker has to read it. */
export const stageWhole = async (...staged: Parameters<typeof stageUpload>): Promise<UploadView> =>
  completeUpload(staged[0], await stageUpload(...staged));

async function* toStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

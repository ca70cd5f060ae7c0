import { requireWrite, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { lockPerson, requireWithinQuota } from "#lib/catalog/quotas/service.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { withMultipart } from "./multipart.ts";
import { countUnfinished, findByKey, insertUpload, type UploadRow } from "./repository.ts";
import { MAX_UNFINISHED, MAX_UPLOAD_BYTES, type NewUpload, PART_BYTES, type UploadView } from "./schema.ts";
import { toView } from "./view.ts";

/**
 * Begins an upload, or finds the one that the same key began. Bytes that the hub has already are sent all the same: only who has
 * them may name them. @throws repo_not_found, forbidden, bad_request, too_large, conflict, rate_limited, quota_exceeded, disk_full
 */
export async function beginUpload(actor: Actor, name: RepoName, input: NewUpload): Promise<UploadView> {
  const repo = await requireWrite(actor, name);
  const wish = {
    repoId: repo.id,
    path: parseNewPath(input.path),
    size: input.size,
    declaredSha256: input.sha256 ?? null,
  };
  if (wish.size > MAX_UPLOAD_BYTES)
    throw new AppError(
      "too_large",
      `${wish.path} has ${wish.size} bytes, and a file may have at most ${MAX_UPLOAD_BYTES}; split the model into shards.`,
      { size: wish.size, limit: MAX_UPLOAD_BYTES },
    );
  const userId = actor.kind === "person" ? actor.userId : null;
  const key = input.idempotencyKey ?? null;
  const known = key === null ? null : await findByKey(userId, key);
  const row = known ? requireSame(known, wish) : await insert(actor, wish, key);
  failpoint("upload.row");
  return toView(await withMultipart(row));
}

type Wish = Pick<UploadRow, "repoId" | "path" | "size" | "declaredSha256">;

async function insert(actor: Actor, wish: Wish, idempotencyKey: string | null): Promise<UploadRow> {
  const userId = actor.kind === "person" ? actor.userId : null;
  // What others have announced takes no room until it comes: each part is refused when there is none.
  await objectStore().requireRoom(wish.size);
  const expiresAt = new Date(Date.now() + env().uploadSeconds * 1000);
  try {
    return await inLockedTransaction(database(), async (transaction) => {
      if (userId !== null) {
        await lockPerson(transaction, userId);
        await requireFewUnfinished(transaction, userId);
      }
      const row = await insertUpload(transaction, {
        ...wish,
        userId,
        idempotencyKey,
        storageKey: newObjectKey(),
        partSize: PART_BYTES,
        expiresAt,
      });
      await requireWithinQuota(transaction, actor, { repoId: wish.repoId }, { bytes: wish.size, files: 1 });
      return row;
    });
  } catch (cause) {
    if (violatedRule(cause) !== "upload_user_id_idempotency_key_key") throw cause;
    return requireSame((await findByKey(userId, idempotencyKey!))!, wish); // sent twice at once
  }
}

async function requireFewUnfinished(transaction: Transaction, userId: string): Promise<void> {
  if ((await countUnfinished(transaction, userId)) < MAX_UNFINISHED) return;
  throw new AppError(
    "rate_limited",
    `You have ${MAX_UNFINISHED} unfinished uploads, as many as one may have; commit or abort some of them.`,
    { limit: MAX_UNFINISHED, retryAfter: 60 },
  );
}

function requireSame(row: UploadRow, wish: Wish): UploadRow {
  const isSame = (["repoId", "path", "size", "declaredSha256"] as const).every((field) => row[field] === wish[field]);
  if (isSame) return row;
  throw new AppError(
    "conflict",
    `This Idempotency-Key began the upload of ${row.path} with ${row.size} bytes; send another key for another file.`,
    { upload: row.id },
  );
}

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { requirePerson, requireWrite, requireWriteById, type RepoName, type WritableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { lockPerson, requireWithinQuota } from "#lib/catalog/quotas/service.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { type Page, parseCursor, toPage } from "#lib/page.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { Turns } from "#lib/storage/turns.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { arrivedParts, assemble, partCountOf, partSizeOf } from "./parts.ts";
import { readParts } from "./read-along.ts";
import {
  arriving,
  countUnfinished,
  findByKey,
  findUpload,
  insertUpload,
  linkUploads,
  listUnfinished,
  move,
  readUploads,
  setStorageId,
  unfinished,
  type UploadRow,
} from "./repository.ts";
import {
  MAX_UNFINISHED,
  MAX_UPLOAD_BYTES,
  type NewUpload,
  PART_BYTES,
  SIGNED_SECONDS,
  type SignedParts,
  type UploadItem,
  type UploadQuery,
  type UploadView,
} from "./schema.ts";

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

/** The store is told of an upload after its row is there: what the store has and no row names, a crash left behind. */
async function withMultipart(row: UploadRow): Promise<UploadRow> {
  if (row.storageId !== null || row.size === 0 || !isArriving(row)) return row;
  const storageId = await objectStore().beginMultipart(row.storageKey);
  failpoint("upload.multipart");
  if (await setStorageId(row.id, storageId)) return { ...row, storageId };
  await objectStore().abortMultipart(row.storageKey, storageId);
  return (await findUpload(row.id)) ?? row;
}

/** Addresses to which the bytes of these parts are sent, straight to the store. @throws not_found, already_ended, bad_request */
export async function signParts(actor: Actor, id: string, numbers: readonly number[]): Promise<SignedParts> {
  const found = await requireOwn(actor, id);
  await requireWriteById(actor, found.repoId);
  requireArriving(found);
  const row = await withMultipart(found);
  const count = partCountOf(row);
  const beyond = numbers.find((number) => number > count);
  if (beyond !== undefined)
    throw new AppError(
      "bad_request",
      `There is no part ${beyond}: ${row.path} has ${count} of ${row.partSize} bytes, the last one with the rest.`,
      { part: beyond, partCount: count },
    );
  await move(database(), id, ["open"], "receiving");
  const expiresAt = new Date(Date.now() + SIGNED_SECONDS * 1000).toISOString();
  const items = await Promise.all(
    numbers.map(async (number) => {
      const size = partSizeOf(row, number);
      return {
        number,
        size,
        url: await objectStore().signPart(
          row.storageKey,
          row.storageId!,
          { number, size, offset: (number - 1) * row.partSize },
          SIGNED_SECONDS,
          row.userId ?? "hub",
        ),
      };
    }),
  );
  return { items, expiresAt };
}

/**
 * All parts are there: puts them together and has them hashed. Safe to call again, also after a crash at any step: what was done
 * stays, what is missing is done, and an upload that is further says where it is.
 *
 * @throws not_found, bytes_differ with the parts that are missing, upload_not_ready while another process puts them together, queue_full,
 *   storage_unavailable, disk_full
 */
export const completeUpload = (actor: Actor, id: string): Promise<UploadView> =>
  turns.take(id, () => complete(actor, id));

/** Who asks twice at once waits, and is then told what came of it. */
const turns = new Turns();

async function complete(actor: Actor, id: string): Promise<UploadView> {
  const found = await requireOwn(actor, id);
  if (!isArriving(found)) return toView(found);
  await requireWriteById(actor, found.repoId);
  const row = await withMultipart(found);
  const read = await readParts(row);
  const tags = await assemble(row);
  failpoint("upload.assembled");
  const digest = read && tags && isDeepStrictEqual(read.tags, tags) ? read.digest : null;
  const toRead = digest ? 0 : found.size;
  const expiresAt = new Date(Date.now() + env().uploadSeconds * 1000); // time to commit it
  await inLockedTransaction(database(), async (transaction) => {
    if (await move(transaction, id, arriving, "hashing", { expiresAt, ...(digest && { digest }) }))
      await enqueue(transaction, {
        kind: "hash",
        subjectId: id,
        priority: "upload",
        userId: found.userId,
        lane: toRead > LONG_READ_BYTES ? "minutes" : "seconds",
        work: toRead + SMALL_READ_BYTES,
      });
  });
  failpoint("upload.queued");
  return toView(await requireOwn(actor, id));
}

/** More than this is not read while somebody waits before a page. */
const LONG_READ_BYTES = 1e9;
/** What reading anything at all is worth. */
const SMALL_READ_BYTES = 20e6;

/** @throws not_found */
export const getUpload = async (actor: Actor, id: string): Promise<UploadView> => toView(await requireOwn(actor, id));

/** The actor's own uploads to a repo that have not ended, the newest first. */
export async function listUploads(
  actor: Actor,
  name: RepoName,
  { cursor, limit }: UploadQuery,
): Promise<Page<UploadItem>> {
  const repo = await requireWrite(actor, name);
  const before = cursor ? parseCursor(cursor, z.tuple([z.uuid()]))[0] : null;
  const rows = await listUnfinished(repo.id, actor.kind === "person" ? actor.userId : null, before, limit + 1);
  const progress = await progressOf(
    "hash",
    rows.flatMap(({ id, state }) => (state === "hashing" ? [id] : [])),
  );
  return toPage(
    rows.map((row) => toItem(row, progress.get(row.id))),
    limit,
    (last) => [last.id],
  );
}

/** Ends an upload; the sweeper removes what came of it. Does nothing for one that ended otherwise. @throws not_found, already_ended */
export async function abortUpload(actor: Actor, id: string): Promise<void> {
  const { path } = await requireOwn(actor, id);
  const isAborted = await inLockedTransaction(database(), async (transaction) => {
    if (!(await move(transaction, id, unfinished, "aborted"))) return false;
    await cancelJob(transaction, "hash", id);
    return true;
  });
  if (!isAborted && (await findUpload(id))?.state === "linked")
    throw new AppError("already_ended", `${path} is in a commit and stays there; delete it with another commit.`, {
      state: "linked",
    });
}

/** What a commit is made of. */
export interface VerifiedUpload {
  readonly sha256: string;
  readonly size: number;
  /** Where it was meant to go. */
  readonly path: string;
}

/** Also those that a commit has taken before, so that a commit may be sent again. @throws not_found, upload_not_ready, conflict, already_ended */
export async function takeVerified(
  transaction: Transaction,
  repo: WritableRepo,
  ids: readonly string[],
): Promise<Map<string, VerifiedUpload>> {
  const rows = new Map((await readUploads(transaction, repo.id, ids)).map((row) => [row.id, row]));
  return new Map(
    ids.map((id) => {
      const row = rows.get(id);
      if (!row)
        throw new AppError("not_found", `There is no upload ${id} to ${repo.owner}/${repo.name}; begin one.`, {
          upload: id,
        });
      const { state, sha256, path, size, problem } = row;
      if ((state === "verified" || state === "linked") && sha256 !== null) return [id, { sha256, size, path }];
      const detail = { upload: id, state };
      if (state === "hashing")
        throw new AppError("upload_not_ready", `${path} is still being read; send the commit again in a moment.`, {
          ...detail,
          retryAfter: 5,
        });
      if (state === "open" || state === "receiving")
        throw new AppError(
          "conflict",
          `The upload of ${path} is not complete; send all its parts, complete it, and wait until it is verified.`,
          detail,
        );
      throw new AppError(
        "already_ended",
        `The upload of ${path} ${problem === null ? `has ended (${state}).` : `failed: ${problem}`} Begin a new one.`,
        detail,
      );
    }),
  );
}

export const markLinked = linkUploads;

const LFS_BYTES = 2 ** 20;

/** Whether a file is named by its sha256 on the wire and downloaded from the store itself: weights, and whatever is large. */
export const isLfs = (path: string, size: number): boolean => size >= LFS_BYTES || /\.safetensors$/i.test(path);

/** Whoever began it, or an operator; to everybody else it does not exist. @throws unauthenticated, forbidden, not_found */
async function requireOwn(actor: Actor, id: string): Promise<UploadRow> {
  if (actor.kind !== "hub") requirePerson(actor, "write");
  const row = await findUpload(id);
  if (row && (actor.kind === "hub" || (actor.kind === "person" && (actor.isOperator || row.userId === actor.userId))))
    return row;
  throw new AppError("not_found", "There is no such upload of yours; look at the list of them, or begin a new one.", {
    upload: id,
  });
}

const isArriving = ({ state }: UploadRow): boolean => state === "open" || state === "receiving";

function requireArriving(row: UploadRow): void {
  if (isArriving(row)) return;
  const isThere = ["hashing", "verified", "linked"].includes(row.state);
  throw new AppError(
    "already_ended",
    isThere
      ? `All bytes of ${row.path} have come; nothing more is taken.`
      : `The upload of ${row.path} has ended (${row.state}); begin a new one.`,
    { state: row.state },
  );
}

async function toView(row: UploadRow): Promise<UploadView> {
  const isHashing = row.state === "hashing";
  const [arrived, queue, progress] = await Promise.all([
    arrivedParts(row),
    isHashing ? queuePosition("hash", row.id) : null,
    progressOf("hash", isHashing ? [row.id] : []),
  ]);
  return { ...toItem(row, progress.get(row.id)), arrived, queue };
}

const toItem = (row: UploadRow, progress: unknown): UploadItem => ({
  id: row.id,
  path: row.path,
  state: row.state,
  size: row.size,
  sha256: row.blobSha256 ?? row.declaredSha256,
  partSize: row.partSize,
  partCount: partCountOf(row),
  problem: row.problem,
  progress:
    row.state === "hashing" ? ((progress as UploadItem["progress"] | undefined) ?? { done: 0, total: row.size }) : null,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

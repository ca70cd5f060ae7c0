import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { requireWrite, requireWriteById, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { type Page, parseCursor, toPage } from "#lib/page.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { Turns } from "#lib/storage/turns.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { withMultipart } from "./multipart.ts";
import { isArriving, requireArriving, requireOwn } from "./own.ts";
import { assemble, partCountOf, partSizeOf } from "./parts.ts";
import { readParts } from "./read-along.ts";
import { arriving, findUpload, listUnfinished, move, unfinished } from "./repository.ts";
import { SIGNED_SECONDS, type SignedParts, type UploadItem, type UploadQuery, type UploadView } from "./schema.ts";
import { toItem, toView } from "./view.ts";

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

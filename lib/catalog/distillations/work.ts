import { createHash } from "node:crypto";
import { type ReadableRepo, requireWriteById } from "#lib/auth/access.ts";
import type { Person } from "#lib/auth/actor.ts";
import { personById } from "#lib/auth/person.ts";
import { commitMade, type MadeFile } from "#lib/catalog/commits/service.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { toStorableJson, toStorableText } from "#lib/util/storable.ts";
import { requireNoMorePublic } from "./no-more-public.ts";
import {
  askedOf,
  hasRepo,
  insertMetrics,
  insertSample,
  type Loss,
  repoOf,
  type SampleRow,
  writeKept,
  writeMade,
  writePlan,
} from "./repository.ts";
import {
  type DistillationProgress,
  type StoredAsked,
  storedLook,
  type StoredLook,
  storedPlan,
  storedRecord,
} from "./schema.ts";

/** The worker's side of distillations. Every write names its attempt, and changes nothing when another has begun or it was cancelled. */

export interface Asked extends StoredAsked {
  readonly base: { readonly commitId: string } & Pick<ReadableRepo, "name" | "visibility">;
  readonly repoId: string;
  readonly person: Person;
}

/**
 * What is to be made.
 *
 * @throws not_found where the person or the base is gone, or the base not theirs to read any more; repo_not_found, forbidden where they could not
 *   publish it
 */
export async function getAsked(id: string): Promise<Asked> {
  const row = await askedOf(id);
  if (!row) throw new AppError("not_found", "What was to be made is gone; nothing is left to do.");
  const person = row.userId === null ? null : await personById(row.userId);
  if (!person)
    throw new AppError(
      "not_found",
      "Whoever asked for this guide has left the hub, so nobody could publish it; begin another in your own name.",
    );
  await requireWriteById(person, row.repoId);
  return { ...row.asked, repoId: row.repoId, person, base: await requireBase(person, row.baseCommitId) };
}

async function requireBase(person: Person, commitId: string | null): Promise<Asked["base"]> {
  const repo = commitId === null ? null : await repoOf(commitId);
  if (commitId === null || repo === null || !(await readableCommits(person, [commitId])).has(commitId))
    throw new AppError(
      "not_found",
      "The base is gone, or whoever asked for the guide may not see it any more; what was made so far is kept, and goes on when the base is back.",
    );
  return { commitId, ...repo };
}

/** @returns false when this attempt is not wanted any more */
export const saveProgress = (id: string, attempt: number, progress: DistillationProgress): Promise<boolean> =>
  save(holdOf(id, attempt), progress);

/** Nobody wants the guide of a repo that was deleted. */
const isWanted = async (transaction: Transaction, id: string, attempt: number): Promise<boolean> =>
  (await holdsAttempt(transaction, holdOf(id, attempt))) && (await hasRepo(transaction, id));

const holdOf = (subjectId: string, attempt: number) => ({ kind: "distill", subjectId, attempt }) as const;

/** What it costs, as a first pass told. @returns false when this attempt is not wanted any more */
export const recordPlan = (id: string, attempt: number, plan: object): Promise<boolean> =>
  inLockedTransaction(database(), async (transaction) => {
    if (!(await holdsAttempt(transaction, holdOf(id, attempt)))) return false;
    await writePlan(transaction, id, storedPlan.parse(toStorableJson(plan)));
    return true;
  });

/** Some steps and what was held out meanwhile. @returns false when this attempt is not wanted any more */
export const recordMetrics = (
  id: string,
  attempt: number,
  losses: readonly Loss[],
  looks: readonly object[],
): Promise<boolean> =>
  inLockedTransaction(database(), async (transaction) => {
    if (!(await isWanted(transaction, id, attempt))) return false;
    const parsed = looks.map((look): StoredLook => storedLook.parse(look));
    await insertMetrics(transaction, id, losses, parsed);
    return true;
  });

/** The bytes first, then the row that names them. @returns false when this attempt is not wanted any more */
export async function recordSample(
  id: string,
  attempt: number,
  { png, ...sample }: Omit<SampleRow, "storageKey" | "sha256" | "size"> & { readonly png: Uint8Array },
): Promise<boolean> {
  const storageKey = newObjectKey();
  await objectStore().put(storageKey, png);
  const sha256 = createHash("sha256").update(png).digest("hex");
  const row = { ...sample, prompt: toStorableText(sample.prompt), storageKey, sha256, size: png.byteLength };
  const outcome = await inLockedTransaction(database(), async (transaction) => {
    if (!(await holdsAttempt(transaction, holdOf(id, attempt)))) return "not wanted";
    return (await insertSample(transaction, id, row)) ? "new" : "there already";
  });
  if (outcome !== "new") await objectStore().delete(storageKey);
  return outcome !== "not wanted";
}

/** So many steps are in its last checkpoint. */
export const recordKept = writeKept;

export interface MadeGuide {
  readonly files: readonly MadeFile[];
  readonly record: object;
  readonly seconds: number;
}

/** Publishes the guide and ends the attempt, both or neither. @throws cancelled when this attempt is not wanted any more; as `getAsked` */
export async function publishGuide(
  id: string,
  attempt: number,
  { person, repoId, base }: Asked,
  { files, record, seconds }: MadeGuide,
): Promise<void> {
  const baseNow = await requireBase(person, base.commitId);
  const repo = await requireWriteById(person, repoId);
  requireNoMorePublic(repo, baseNow);
  const stored = storedRecord.parse(toStorableJson(record));
  const commit = {
    title: `A guide of ${base.name}`,
    message: "Made on this hub; record.json says how.",
    files,
  };
  await commitMade(person, repo, commit, async (transaction, resultCommitId) => {
    if (!(await holdsAttempt(transaction, holdOf(id, attempt))))
      throw new AppError("cancelled", "Nobody wants this guide any more; it was not published.");
    await writeMade(transaction, id, { resultCommitId, record: stored, seconds });
    await succeedAttempt(transaction, holdOf(id, attempt));
  });
}

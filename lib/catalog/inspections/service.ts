import { requireRead, requireWrite, type RepoName, visibleTo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction, type Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import type { Priority } from "#lib/queue/jobs.ts";
import {
  authorOf,
  begunInspectionOfHead,
  insertInspection,
  inspectionOf,
  type InspectionRow,
  namesOfRepos,
  newInspectionId,
  statesOfCommits,
  supersededBy,
} from "./repository.ts";
import type { InspectionView } from "./schema.ts";

/**
 * A commit is to be inspected: its row and its job come into being with the commit, in its transaction, when the branch has moved there.
 * What of its repo waits to be read and is at no branch or tag any more is not read.
 */
export async function requestInspection(transaction: Transaction, commitId: string, priority: Priority): Promise<void> {
  for (const superseded of await supersededBy(transaction, commitId))
    await cancelJob(transaction, "inspect", superseded);
  const id = newInspectionId();
  if (await insertInspection(transaction, id, commitId)) await ask(transaction, id, priority);
}

const ask = async (transaction: Transaction, id: string, priority: Priority): Promise<void> =>
  enqueue(transaction, { kind: "inspect", subjectId: id, priority, userId: await authorOf(transaction, id) });

/** What a repo says of itself has changed: its newest commit is to be read with that in mind. What is being read now is read in vain. */
export async function inspectAgain(transaction: Transaction, repoId: string): Promise<void> {
  const id = await begunInspectionOfHead(transaction, repoId);
  if (id !== null) await ask(transaction, id, "upload");
}

/** Somebody who may write to a repo wants its newest commit read once more. @throws repo_not_found, forbidden */
export async function inspectRepoAgain(actor: Actor, name: RepoName): Promise<void> {
  const { id } = await requireWrite(actor, name);
  await inTransaction(database(), (transaction) => inspectAgain(transaction, id));
}

/** The newest inspection of a commit; null before the first. */
export const findInspection = (commitId: string, transaction?: Transaction): Promise<InspectionRow | null> =>
  inspectionOf(commitId, transaction);

/** What a revision is, for whoever may read its repo. Of bases that they may not see neither name nor commit is told. @throws not_found */
export async function getInspection(actor: Actor, name: RepoName, revision: string): Promise<InspectionView> {
  const repo = await requireRead(actor, name);
  const { commitId } = await resolveRevision(repo, revision);
  const row = await inspectionOf(commitId);
  if (!row)
    throw new AppError(
      "not_found",
      `The commit ${commitId.slice(0, 12)} of ${repo.owner}/${repo.name} has not been inspected.`,
    );
  const { facts, commitId: commit, baseCommitId: _, createdAt, finishedAt, ...rest } = row;
  const bases = facts
    ? [facts.declaredBase, facts.detectedBase, ...facts.fittingBases].flatMap((base) => base?.repoId ?? [])
    : [];
  const names = await namesOfRepos(bases, visibleTo(actor));
  const shown = <Base extends { repoId: string; commitId: string }>({ repoId, commitId: at, ...more }: Base) => ({
    repo: names.get(repoId) ?? null,
    commit: names.has(repoId) ? at : null,
    ...more,
  });
  return {
    ...rest,
    commit,
    facts: facts && {
      ...facts,
      declaredBase: facts.declaredBase && { repo: names.get(facts.declaredBase.repoId) ?? null },
      detectedBase: facts.detectedBase && shown(facts.detectedBase),
      fittingBases: facts.fittingBases.map(shown),
    },
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt && finishedAt.toISOString(),
  };
}

/** How far the reading of some commits of one repo is. @throws repo_not_found */
export async function inspectionStates(
  actor: Actor,
  name: RepoName,
  commitIds: readonly string[],
): ReturnType<typeof statesOfCommits> {
  return statesOfCommits((await requireRead(actor, name)).id, commitIds);
}

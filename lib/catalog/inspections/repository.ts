import { randomUUID } from "node:crypto";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma, type RepoKind, type Visibility } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { INSPECTOR_VERSION, storedFacts, type StoredFacts } from "./schema.ts";

export interface InspectionRow {
  readonly id: string;
  readonly commitId: string;
  readonly state: JobState;
  readonly problem: string | null;
  readonly facts: StoredFacts | null;
  readonly contract: string | null;
  readonly weightsSha256: string | null;
  readonly baseCommitId: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export const newInspectionId = (): string => randomUUID();

/** Does nothing where this commit has been inspected, or will be. @returns whether a row was added */
export async function insertInspection(transaction: Transaction, id: string, commitId: string): Promise<boolean> {
  return (
    (
      await transaction.inspection.createMany({
        data: { id, commitId, toolVersion: INSPECTOR_VERSION },
        skipDuplicates: true,
      })
    ).count === 1
  );
}

/** The newest reading of a commit. While it is read anew, the facts of before are still there. */
export async function inspectionOf(commitId: string, client: Transaction = database()): Promise<InspectionRow | null> {
  const row = await client.inspection.findFirst({
    where: { commitId },
    orderBy: { createdAt: "desc" },
    select: {
      id: true,
      commitId: true,
      state: true,
      problem: true,
      facts: true,
      contract: true,
      weightsSha256: true,
      baseCommitId: true,
      createdAt: true,
      finishedAt: true,
    },
  });
  return row && { ...row, facts: row.facts === null ? null : storedFacts.parse(row.facts) };
}

/** How far the reading of some commits of a repo is, by commit: of each the newest. */
export async function statesOfCommits(
  repoId: string,
  commitIds: readonly string[],
): Promise<Map<string, Pick<InspectionRow, "state" | "problem">>> {
  const rows = await database().inspection.findMany({
    where: { commitId: { in: [...commitIds] }, commit: { repoId } },
    orderBy: { createdAt: "asc" },
    select: { commitId: true, state: true, problem: true },
  });
  return new Map(rows.map(({ commitId, ...row }) => [commitId, row]));
}

/** What is inspected, and what its repo says of it. */
export interface Subject {
  readonly id: string;
  readonly commitId: string;
  /** Whether a person waits for it: their commit, inspected for the first time. */
  readonly isFresh: boolean;
  /** Null: the hub itself, or somebody who is gone. */
  readonly authorId: string | null;
  readonly repo: {
    readonly id: string;
    readonly name: string;
    readonly kind: RepoKind;
    readonly visibility: Visibility;
    readonly namespaceId: string;
    readonly baseId: string | null;
  };
}

/** Null where its repo is gone. */
export async function subjectOf(id: string): Promise<Subject | null> {
  const row = await database().inspection.findFirst({
    where: { id, commit: { repo: { deletedAt: null } } },
    select: {
      commitId: true,
      finishedAt: true,
      commit: {
        select: {
          authorId: true,
          repo: { select: { id: true, name: true, kind: true, visibility: true, namespaceId: true, baseId: true } },
        },
      },
    },
  });
  return (
    row && {
      id,
      commitId: row.commitId,
      isFresh: row.commit.authorId !== null && row.finishedAt === null,
      authorId: row.commit.authorId,
      repo: row.commit.repo,
    }
  );
}

export interface Found {
  readonly facts: StoredFacts;
  readonly contract: string | null;
  readonly weightsSha256: string | null;
  /** Over its own files alone. */
  readonly ownWeightsSha256: string | null;
  readonly baseCommitId: string | null;
}

export async function writeFound(transaction: Transaction, id: string, found: Found): Promise<void> {
  await transaction.inspection.update({
    where: { id },
    data: { ...found, finishedAt: new Date() },
    select: { id: true },
  });
}

/** Whose commit an inspection is of. */
export async function authorOf(transaction: Transaction, id: string): Promise<string | null> {
  const row = await transaction.inspection.findUnique({
    where: { id },
    select: { commit: { select: { authorId: true } } },
  });
  return row?.commit.authorId ?? null;
}

/** Inspections of a commit's repo that wait, of commits that no branch or tag is at any more. */
export async function supersededBy(transaction: Transaction, commitId: string): Promise<string[]> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT i.id FROM commit now JOIN commit c ON c.repo_id = now.repo_id AND c.id <> now.id JOIN inspection i ON i.commit_id = c.id AND i.state = 'queued'
    WHERE now.id = ${commitId} AND NOT EXISTS (SELECT FROM ref f WHERE f.repo_id = c.repo_id AND f.commit_id = c.id) LIMIT 100`;
  return rows.map(({ id }) => id);
}

/** A base that something may have been made from. */
export interface Candidate {
  readonly repoId: string;
  readonly name: string;
  readonly commitId: string;
  readonly contract: string;
  readonly ownWeightsSha256: string;
  /** By its name. */
  readonly family: string | null;
}

/**
 * The bases that may be named to whoever may read this repo: public ones, those of the same namespace, and the one that it declares
 * itself; that one first, then the most used.
 */
export function candidates(
  { repo, authorId }: Subject,
  { contract, textWidth, limit }: { contract: string | null; textWidth: number | null; limit: number },
): Promise<Candidate[]> {
  return database().$queryRaw<Candidate[]>`
    SELECT r.id AS "repoId", r.name, h.commit_id AS "commitId", h.contract, i.own_weights_sha256 AS "ownWeightsSha256", h.facts->>'family' AS family
    FROM repo_head h JOIN repo r ON r.id = h.repo_id JOIN inspection i ON i.id = h.inspection_id AND i.own_weights_sha256 IS NOT NULL
    WHERE ${canInSql("r", "isBase")} AND ${mayBeNamed({ repo, authorId })} AND h.contract IS NOT NULL AND h.weights_sha256 IS NOT NULL
      AND (${contract}::text IS NULL OR h.contract = ${contract})
      AND (${textWidth}::int IS NULL OR (h.facts->'signature'->>'crossAttentionDim')::int = ${textWidth})
    ORDER BY r.id IS NOT DISTINCT FROM ${repo.baseId}::uuid DESC, r.downloads DESC, r.created_at, r.id LIMIT ${limit}`;
}

/**
 * The commit, of a base that may be named, which has a file of that content: its newest, or else that which brought it. The declared
 * base's where there are several.
 */
export async function commitWithBlob(
  { repo, authorId }: Subject,
  sha256: string,
): Promise<{ repoId: string; commitId: string } | null> {
  const [found] = await database().$queryRaw<{ repoId: string; commitId: string }[]>`
    SELECT r.id AS "repoId", CASE WHEN b.head_paths > 0 THEN h.commit_id ELSE b.commit_id END AS "commitId"
    FROM repo_blob b JOIN repo r ON r.id = b.repo_id LEFT JOIN ref h ON h.repo_id = r.id AND h.name = r.default_branch AND h.kind = 'branch'
    WHERE b.blob_sha256 = ${sha256} AND ${canInSql("r", "isBase")} AND r.deleted_at IS NULL AND ${mayBeNamed({ repo, authorId })}
    ORDER BY r.id IS NOT DISTINCT FROM ${repo.baseId}::uuid DESC, r.created_at, r.id LIMIT 1`;
  return found ?? null;
}

/** A declared base was for its author to read when it was declared; it is opened while it still is. */
const mayBeNamed = ({ repo, authorId }: Pick<Subject, "repo" | "authorId">): Prisma.Sql =>
  Prisma.sql`(r.visibility = 'public' OR r.namespace_id = ${repo.namespaceId}::uuid OR (r.id = ${repo.baseId}::uuid AND r.namespace_id IN (
    SELECT id FROM namespace WHERE user_id = ${authorId} UNION ALL SELECT namespace_id FROM member WHERE user_id = ${authorId})))`;

/** Newest commits of fine-tunes and guides that found no base, and may have been made from this one. */
export async function orphansOf(
  transaction: Transaction,
  { repo }: Subject,
  contract: string,
  limit: number,
): Promise<string[]> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT i.id FROM inspection i JOIN repo_head h ON h.inspection_id = i.id JOIN repo r ON r.id = h.repo_id
    WHERE ${canInSql("r", "hasBase")} AND i.base_commit_id IS NULL AND (i.contract = ${contract} OR (i.contract IS NULL AND i.facts->>'kind' = 'low-rank fine-tune'))
      AND (${repo.visibility} = 'public' OR r.namespace_id = ${repo.namespaceId}::uuid OR r.base_id = ${repo.id}::uuid)
    ORDER BY i.id DESC LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Of the newest commit, once somebody began to read it; null while it waits for that. */
export async function begunInspectionOfHead(transaction: Transaction, repoId: string): Promise<string | null> {
  const [row] = await transaction.$queryRaw<{ id: string }[]>`
    SELECT i.id FROM repo r JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch' JOIN inspection i ON i.commit_id = f.commit_id
    WHERE r.id = ${repoId}::uuid AND i.state <> 'queued' ORDER BY i.created_at DESC LIMIT 1`;
  return row?.id ?? null;
}

/** “owner/repo” by id, of those that `visible` lets through. */
export async function namesOfRepos(
  ids: readonly string[],
  visible: Prisma.RepoWhereInput,
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await database().repo.findMany({
    where: { AND: [visible, { id: { in: [...ids] } }] },
    select: { id: true, name: true, namespace: { select: { name: true } } },
  });
  return new Map(rows.map(({ id, name, namespace }) => [id, `${namespace.name}/${name}`]));
}

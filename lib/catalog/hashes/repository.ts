import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type RepoKind } from "#lib/db/generated/client.ts";

/** Shorter ones are looked for as the names that tools give, not as the beginning of a sha256. */
const PREFIX_DIGITS = 10;
/** Contents of one hash: of a whole one there is one, and of so many digits there are hardly ever two. */
const MAX_CONTENTS = 20;
const MAX_REPOS = 2000; // as many as a search names

/** The contents that go by `hash`, an expression of SQL whose value is in small letters. */
const contentsOf = (hash: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  (SELECT sha256 FROM blob WHERE length(${hash}) >= ${PREFIX_DIGITS} AND sha256 >= ${hash} AND sha256 < ${hash} || 'g' ORDER BY sha256 LIMIT ${MAX_CONTENTS})
  UNION (SELECT blob_sha256 FROM blob_hash WHERE value = ${hash} LIMIT ${MAX_CONTENTS}))`;

/** Repos that have, or had, a file that goes by this hash, seen by the asker or not. */
export async function reposWithHash(hash: string): Promise<string[]> {
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT DISTINCT b.repo_id AS id FROM ${contentsOf(Prisma.sql`${hash}::text`)} c JOIN repo_blob b ON b.blob_sha256 = c.sha256 LIMIT ${MAX_REPOS}`;
  return rows.map(({ id }) => id);
}

export interface HashedFile {
  /** What was asked for. */
  readonly hash: string;
  readonly repoId: string;
  readonly owner: string;
  readonly name: string;
  readonly kind: RepoKind;
  readonly summary: string;
  readonly downloads: number;
  readonly createdAt: Date;
  readonly base: string | null;
  readonly factKind: string | null;
  readonly commit: string;
  readonly isHead: boolean;
  readonly path: string;
  readonly sha256: string;
  readonly size: bigint;
  /** Its other names, by their algorithms. */
  readonly others: Readonly<Record<string, string>>;
}

/**
 * A file for each of these hashes where somebody may see one: of a repo that has it today before one that had it, and of the oldest of
 * several. `hashes` in small letters.
 */
export const filesWithHashes = (actor: Actor, hashes: readonly string[]): Promise<HashedFile[]> => database().$queryRaw`
  SELECT asked.hash, found.*, coalesce(at_head.path, ever.path) AS path,
    coalesce((SELECT jsonb_object_agg(algorithm, value) FROM blob_hash WHERE blob_sha256 = found.sha256), '{}') AS others
  FROM unnest(${[...hashes]}::text[]) asked (hash)
  CROSS JOIN LATERAL (
    SELECT r.id AS "repoId", n.name AS owner, r.name, r.kind, r.summary, r.downloads, c.created_at AS "createdAt", bn.name || '/' || br.name AS base,
      i.facts->>'kind' AS "factKind", c.id AS commit, b.head_paths > 0 AS "isHead", b.blob_sha256 AS sha256, b.size, c.tree_id
    FROM ${contentsOf(Prisma.sql`asked.hash`)} one JOIN repo_blob b ON b.blob_sha256 = one.sha256
    JOIN repo r ON r.id = b.repo_id AND ${isVisible(actor, "r")}
    JOIN namespace n ON n.id = r.namespace_id
    JOIN commit c ON c.id = CASE WHEN b.head_paths > 0 THEN r.head_commit_id ELSE b.commit_id END
    LEFT JOIN repo br ON br.id = r.base_id AND ${isVisible(actor, "br")}
    LEFT JOIN namespace bn ON bn.id = br.namespace_id
    LEFT JOIN inspection i ON i.id = r.head_inspection_id
    ORDER BY b.head_paths > 0 DESC, r.created_at, r.id LIMIT 1
  ) found
  LEFT JOIN LATERAL (
    SELECT f.path FROM (SELECT DISTINCT e.key FROM tree_entry e WHERE e.repo_id = found."repoId" AND e.blob_sha256 = found.sha256 LIMIT 20) k
    CROSS JOIN LATERAL file_at(found."repoId", found.tree_id, k.key) f WHERE f.blob_sha256 = found.sha256 ORDER BY f.path LIMIT 1
  ) at_head ON TRUE
  CROSS JOIN LATERAL (
    SELECT e.path FROM tree_entry e WHERE e.repo_id = found."repoId" AND e.blob_sha256 = found.sha256 LIMIT 1
  ) ever`;

import type { Database } from "#lib/db/client.ts";
import { type JobKind, Prisma } from "#lib/db/generated/client.ts";

/** Questions of fsck; nothing here writes. */

export interface CheckedBlob {
  readonly sha256: string;
  readonly size: number;
  readonly gitSha1: string;
  readonly storageKey: string;
}

/** Every blob that is not being purged, by its sha256. */
export async function* readBlobs(database: Database): AsyncGenerator<CheckedBlob> {
  for (let after = ""; ;) {
    const rows = await database.blob.findMany({
      where: { sha256: { gt: after }, purgingAt: null },
      orderBy: { sha256: "asc" },
      take: 1000,
      select: { sha256: true, size: true, gitSha1: true, storageKey: true },
    });
    for (const row of rows) yield { ...row, size: Number(row.size) };
    if (rows.length === 0) return;
    after = rows.at(-1)!.sha256;
  }
}

export const isBlob = async (database: Database, sha256: string): Promise<boolean> =>
  (await database.blob.count({ where: { sha256, purgingAt: null } })) > 0;

export async function countRows(database: Database): Promise<{ uploads: number; commits: number }> {
  const [uploads, commits] = await Promise.all([database.upload.count(), database.commit.count()]);
  return { uploads, commits };
}

/** Every key that a row names. */
export async function readKeys(database: Database): Promise<Set<string>> {
  const rows = await database.$queryRaw<{ key: string }[]>`
    SELECT storage_key AS key FROM blob UNION SELECT storage_key FROM upload WHERE cleared_at IS NULL UNION SELECT checkpoint_key FROM job WHERE checkpoint_key IS NOT NULL
    UNION SELECT storage_key FROM kept_piece UNION SELECT storage_key FROM distillation_sample`;
  return new Set(rows.map(({ key }) => key));
}

export async function readMultiparts(database: Database): Promise<Set<string>> {
  const rows = await database.upload.findMany({
    where: { storageId: { not: null }, clearedAt: null },
    select: { storageId: true },
  });
  return new Set(rows.map(({ storageId }) => storageId!));
}

/** A row and what is wrong with it. */
export interface Fault {
  readonly row: string;
  readonly id: string;
  readonly fault: string;
}

/** What the rules of the database forbid, asked all the same: a backup may have been put back without them. */
export const danglingRefs = (database: Database): Promise<Fault[]> => database.$queryRaw`
  WITH head AS (SELECT c.repo_id, c.tree_id FROM repo r JOIN ref h ON h.repo_id = r.id AND h.name = r.default_branch AND h.kind = 'branch' JOIN commit c ON c.id = h.commit_id)
  SELECT 'repo_blob' AS row, f.repo_id || '/' || f.blob_sha256 AS id, 'its content ' || f.blob_sha256 || CASE WHEN b.sha256 IS NULL THEN ' has no row' WHEN b.purging_at IS NOT NULL THEN ' is being purged' ELSE ' has another size' END AS fault
    FROM repo_blob f LEFT JOIN blob b ON b.sha256 = f.blob_sha256 WHERE b.sha256 IS NULL OR b.purging_at IS NOT NULL OR b.size <> f.size
  UNION ALL SELECT 'tree_entry', e.repo_id || '/' || coalesce(e.path, e.child_id), 'its content ' || e.blob_sha256 || ' is not one of its repo'
    FROM tree_entry e LEFT JOIN repo_blob f ON f.repo_id = e.repo_id AND f.blob_sha256 = e.blob_sha256 AND f.size = e.size WHERE e.blob_sha256 IS NOT NULL AND f.repo_id IS NULL
  UNION ALL SELECT 'tree_entry', e.repo_id || '/' || e.child_id, 'the tree ' || e.child_id || ' is not there, or has other files'
    FROM tree_entry e LEFT JOIN tree t ON t.repo_id = e.repo_id AND t.id = e.child_id AND t.file_count = e.file_count AND t.size = e.size WHERE e.child_id IS NOT NULL AND t.id IS NULL
  UNION ALL SELECT 'tree', t.repo_id || '/' || t.id, 'its entries are not those that it says'
    FROM tree t LEFT JOIN tree_entry e ON e.repo_id = t.repo_id AND e.tree_id = t.id GROUP BY t.repo_id, t.id
    HAVING (count(e.key), coalesce(sum(e.file_count), 0), coalesce(sum(e.size), 0)) <> (t.entry_count, t.file_count, t.size)
      OR t.id <> encode(sha256(convert_to(coalesce(string_agg(CASE WHEN e.child_id IS NULL
        THEN format('file %s %s %s %s', e.blob_sha256, e.size, CASE WHEN e.lfs THEN 'lfs' ELSE 'git' END, e.path) ELSE 'tree ' || e.child_id END, E'\\n' ORDER BY e.ordinal), ''), 'UTF8')), 'hex')
  UNION ALL SELECT 'commit', c.id, 'its tree ' || c.tree_id || ' is not there, or has other files'
    FROM commit c LEFT JOIN tree t ON t.repo_id = c.repo_id AND t.id = c.tree_id AND t.file_count = c.file_count AND t.size = c.size WHERE t.id IS NULL
  UNION ALL SELECT 'repo_blob', b.repo_id || '/' || b.blob_sha256, 'it says that the newest commit has it at ' || b.head_paths || ' paths, and that has it at ' || coalesce(h.paths, 0)
    FROM repo_blob b JOIN head ON head.repo_id = b.repo_id
    LEFT JOIN (SELECT repo_id, f.blob_sha256, count(*) AS paths FROM head CROSS JOIN LATERAL files_of(repo_id, tree_id) f GROUP BY 1, 2) h
      ON h.repo_id = b.repo_id AND h.blob_sha256 = b.blob_sha256
    WHERE b.head_paths <> coalesce(h.paths, 0)
  UNION ALL SELECT 'preview_image', i.preview_id::text, 'its picture ' || i.blob_sha256 || ' has no row, or is being purged'
    FROM preview_image i LEFT JOIN blob b ON b.sha256 = i.blob_sha256 WHERE b.sha256 IS NULL OR b.purging_at IS NOT NULL
  UNION ALL SELECT 'preview', v.id::text, 'it is of the sheet of a pair that is not there'
    FROM preview v LEFT JOIN pair p ON p.id = v.pair_id WHERE v.pair_id IS NOT NULL AND p.id IS NULL
  UNION ALL SELECT 'upload', u.id::text, 'it is verified, and its content has no row, or is being purged'
    FROM upload u LEFT JOIN blob b ON b.sha256 = u.blob_sha256 WHERE u.state = 'verified' AND (b.sha256 IS NULL OR b.purging_at IS NOT NULL)
  UNION ALL SELECT 'ref', r.repo_id || '/' || r.name, 'its commit ' || r.commit_id || ' is not in its repo'
    FROM ref r LEFT JOIN commit c ON c.id = r.commit_id AND c.repo_id = r.repo_id WHERE c.id IS NULL
  UNION ALL SELECT 'commit', c.id, 'its parent ' || c.parent_id || ' is not in its repo'
    FROM commit c LEFT JOIN commit p ON p.id = c.parent_id AND p.repo_id = c.repo_id WHERE c.parent_id IS NOT NULL AND p.id IS NULL
  UNION ALL SELECT 'repo', r.id::text, 'it has commits and no branch ' || r.default_branch
    FROM repo r WHERE r.deleted_at IS NULL AND EXISTS (SELECT FROM commit WHERE repo_id = r.id) AND NOT EXISTS (SELECT FROM ref WHERE repo_id = r.id AND name = r.default_branch AND kind = 'branch')
  ORDER BY 1, 2`;

/** Namespaces of which is kept another count than there is. */
export const quotaDrift = (database: Database): Promise<Fault[]> => database.$queryRaw`
  SELECT 'quota' AS row, n.name AS id, format('it says %s bytes, %s files and %s repos, with %s bytes and %s files announced, and there are %s, %s, %s, %s and %s',
    q.used_bytes, q.used_files, q.used_repos, q.reserved_bytes, q.reserved_files, c.used_bytes, c.used_files, c.used_repos, c.reserved_bytes, c.reserved_files) AS fault
  FROM quota_counted c JOIN namespace n ON n.id = c.namespace_id LEFT JOIN quota q ON q.namespace_id = c.namespace_id
  WHERE (q.used_bytes, q.used_files, q.used_repos, q.reserved_bytes, q.reserved_files) IS DISTINCT FROM
    (c.used_bytes, c.used_files, c.used_repos, c.reserved_bytes, c.reserved_files) ORDER BY 2`;

/** Contents that nothing names and whose grace was over at `before`. */
export async function unreferencedBlobs(database: Database, before: Date): Promise<string[]> {
  const rows = await database.$queryRaw<{ sha256: string }[]>`
    SELECT sha256 FROM blob b WHERE unused_since < ${before} AND NOT EXISTS (SELECT FROM repo_blob WHERE blob_sha256 = b.sha256)
      AND NOT EXISTS (SELECT FROM preview_image WHERE blob_sha256 = b.sha256) AND NOT EXISTS (SELECT FROM upload WHERE blob_sha256 = b.sha256 AND state = 'verified') ORDER BY 1`;
  return rows.map(({ sha256 }) => sha256);
}

/** Rows that should have moved on by `before`, had worker and sweeper done their work. */
export async function stuckStates(database: Database, before: Date, hiddenBefore: Date): Promise<Fault[]> {
  const waiting = (table: string, since: string, kind: JobKind | "its own"): Prisma.Sql => Prisma.sql`
    SELECT ${table} AS row, s.id::text AS id, 'it is ' || s.state || ', and no job will do it' AS fault FROM ${Prisma.raw(table)} s
    WHERE s.state::text IN ('queued', 'running', 'hashing') AND s.${Prisma.raw(since)} < ${before}
      AND NOT EXISTS (SELECT FROM job j WHERE j.subject_id = s.id AND j.kind = ${kind === "its own" ? Prisma.sql`s.kind` : Prisma.sql`${kind}::job_kind`} AND j.state IN ('queued', 'running'))`;
  return database.$queryRaw`
    ${waiting("upload", "updated_at", "hash")} UNION ALL ${waiting("inspection", "created_at", "inspect")} UNION ALL ${waiting("pair", "updated_at", "check")} UNION ALL ${waiting("preview", "created_at", "preview")}
    UNION ALL ${waiting("study", "updated_at", "its own")}
    UNION ALL SELECT 'upload', id::text, 'its time was over and it has not ended' FROM upload WHERE state IN ('open', 'receiving', 'hashing', 'verified') AND expires_at < ${before}
    UNION ALL SELECT 'upload', id::text, 'it has ended and its bytes were not cleared away' FROM upload WHERE state IN ('failed', 'aborted', 'expired') AND cleared_at IS NULL AND updated_at < ${before}
    UNION ALL SELECT 'blob', sha256, 'its purge was begun and not ended' FROM blob WHERE purging_at < ${before}
    UNION ALL SELECT 'repo', id::text, 'it was deleted and not purged' FROM repo WHERE deleted_at < ${hiddenBefore}
    UNION ALL SELECT 'preview', id::text, 'its time was over and it was not removed' FROM preview WHERE expires_at < ${before}
    ORDER BY 1, 2`;
}

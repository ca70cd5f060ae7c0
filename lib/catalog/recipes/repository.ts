import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import type { Capability } from "#lib/catalog/kinds.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { reposCalled } from "#lib/catalog/models/called.ts";
import { database } from "#lib/db/client.ts";
import type { FoundRepo } from "./schema.ts";

/** Of models, or of guides. */
export type Side = Extract<Capability, "draws" | "guides">;

/** A repo that has a file, where somebody may see it: one that has it today before one that had it, and the oldest of several. */
export async function repoWithFile(actor: Actor, sha256: string, side: Side): Promise<FoundRepo | null> {
  const [row] = await database().$queryRaw<FoundRepo[]>`
    SELECT n.name || '/' || r.name AS repo, CASE WHEN b.head_paths > 0 THEN h.commit_id ELSE b.commit_id END AS commit, b.head_paths > 0 AS "isHead"
    FROM repo_blob b JOIN repo r ON r.id = b.repo_id AND ${isVisible(actor, "r")} AND ${canInSql("r", side)}
    JOIN namespace n ON n.id = r.namespace_id LEFT JOIN repo_head h ON h.repo_id = r.id
    WHERE b.blob_sha256 = ${sha256} ORDER BY 3 DESC, r.created_at LIMIT 1`;
  return row ?? null;
}

/** “owner/repo” of a commit. */
export async function repoNameOf(commitId: string): Promise<string | null> {
  const [row] = await database().$queryRaw<{ repo: string }[]>`
    SELECT n.name || '/' || r.name AS repo FROM commit c JOIN repo r ON r.id = c.repo_id JOIN namespace n ON n.id = r.namespace_id
    WHERE c.id = ${commitId}`;
  return row?.repo ?? null;
}

/** For what goes by its name only: that of its repo, or of its weights file without the ending. */
export async function repoOfName(actor: Actor, name: string, side: Side): Promise<FoundRepo | null> {
  const [row] = await database().$queryRaw<FoundRepo[]>`
    SELECT n.name || '/' || r.name AS repo, h.commit_id AS commit, true AS "isHead"
    FROM ${reposCalled(name)} called JOIN repo r ON r.id = called.id JOIN namespace n ON n.id = r.namespace_id JOIN repo_head h ON h.repo_id = r.id
    WHERE ${isVisible(actor, "r")} AND ${canInSql("r", side)} AND h.commit_id IS NOT NULL ORDER BY r.created_at LIMIT 1`;
  return row ?? null;
}

import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { isModel } from "./models.ts";

/** The weights of each repo's newest commit; while that waits to be read, those of the last one that was. Null where it has none that run. */
export async function currentWeights(repoIds: readonly string[]): Promise<Map<string, string | null>> {
  const rows = await database().$queryRaw<{ id: string; weights: string | null }[]>`
    SELECT r.id, CASE WHEN head.state IN ('succeeded', 'failed') THEN head.weights_sha256 ELSE (
      SELECT i.weights_sha256 FROM commit c JOIN inspection i ON i.commit_id = c.id WHERE c.repo_id = r.id AND i.weights_sha256 IS NOT NULL ORDER BY c.sequence DESC LIMIT 1) END AS weights
    FROM repo r LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
    LEFT JOIN LATERAL (SELECT state, weights_sha256 FROM inspection WHERE commit_id = f.commit_id ORDER BY created_at DESC LIMIT 1) head ON true
    WHERE r.id = ANY (${[...new Set(repoIds)]}::uuid[])`;
  return new Map(rows.map(({ id, weights }) => [id, weights]));
}

/** Under which keys what was measured of a repo is found: all that it ever was. */
export async function keysOfRepo(repoId: string): Promise<string[]> {
  const rows = await database().repoWeights.findMany({ where: { repoId }, select: { measuredAs: true } });
  return [...new Set(rows.map(({ measuredAs }) => measuredAs))];
}

/** How a repo stands in a list of what pairs with another: at its newest commit where that runs, else at the last one with some weights. */
export interface Named {
  readonly repoId: string;
  readonly repo: string;
  readonly commit: string;
  /** Null where the newest commit does not run, or has not been read. */
  readonly parameters: number | null;
}

/** Of some repos and weights of theirs those that somebody may see. */
export const namesWith = (
  actor: Actor,
  parties: readonly { readonly repoId: string; readonly weights: string }[],
): Promise<Named[]> => database().$queryRaw`
  SELECT m.id AS "repoId", n.name || '/' || m.name AS repo, c.id AS commit, CASE WHEN ${isModel} THEN (i.facts->>'parameters')::float8 END AS parameters
  FROM unnest(${parties.map(({ repoId }) => repoId)}::uuid[], ${parties.map(({ weights }) => weights)}::text[]) asked(id, weights)
  JOIN repo m ON m.id = asked.id JOIN namespace n ON n.id = m.namespace_id LEFT JOIN inspection i ON i.id = m.head_inspection_id
  JOIN LATERAL (
    SELECT m.head_commit_id AS id WHERE ${isModel}
    UNION ALL (SELECT c.id FROM commit c JOIN inspection w ON w.commit_id = c.id WHERE c.repo_id = m.id AND w.weights_sha256 = asked.weights ORDER BY c.sequence DESC LIMIT 1)
    LIMIT 1) c ON true
  WHERE ${isVisible(actor, "m")}`;

/** The repos of some commits, by commit, where they are still there. */
export async function commitRepos(ids: readonly string[]): Promise<Map<string, { repoId: string; name: string }>> {
  const rows = await database().commit.findMany({
    where: { id: { in: [...ids] }, repo: { deletedAt: null } },
    select: { id: true, repo: { select: { id: true, name: true } } },
  });
  return new Map(rows.map(({ id, repo }) => [id, { repoId: repo.id, name: repo.name }]));
}

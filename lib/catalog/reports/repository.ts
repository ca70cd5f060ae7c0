import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { HUB_NAMESPACE } from "#lib/catalog/hub-namespace.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";

export interface OwnedPart {
  readonly repo: string;
  readonly licence: string | null;
  /** Its namespace is the hub's own, or that of a person who runs the hub, or of an organisation that such a person owns. */
  readonly isOperators: boolean;
}

/** Of some repos, by full names that their reader was shown; without those that are gone. In the order of the names. */
export async function findOwnedParts(repos: readonly string[]): Promise<OwnedPart[]> {
  const names = repos.map((repo, at) => ({ ...toRepoName(repo), at }));
  if (names.length === 0) return [];
  const asked = Prisma.join(
    names.map(({ owner, repo, at }) => Prisma.sql`(${owner.toLowerCase()}, ${repo.toLowerCase()}, ${at}::int)`),
  );
  return database().$queryRaw<OwnedPart[]>`
    SELECT n.name || '/' || r.name AS repo, r.license AS licence, coalesce(n.name_key = ${HUB_NAMESPACE} OR u.is_operator, FALSE) OR EXISTS (
      SELECT FROM member m JOIN app_user o ON o.id = m.user_id WHERE m.namespace_id = n.id AND m.role = 'owner' AND o.is_operator) AS "isOperators"
    FROM (VALUES ${asked}) a (owner, name, at)
    JOIN namespace n ON n.name_key = a.owner
    JOIN repo r ON r.namespace_id = n.id AND r.name_key = a.name AND r.deleted_at IS NULL
    LEFT JOIN app_user u ON u.id = n.user_id
    ORDER BY a.at`;
}

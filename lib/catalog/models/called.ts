import { Prisma } from "#lib/db/generated/client.ts";

/** So many of each are looked at, the oldest: names are free, and thousands may have chosen one. “owner/repo” names one repo. */
const MOST_LOOKED_AT = Prisma.raw("100");

/** The ids of repos that go by a name: “owner/repo”, that of the repo, or that of their weights file without its ending. */
export function reposCalled(name: string): Prisma.Sql {
  const [owner, repo] = name.includes("/") ? name.split("/", 2) : [];
  return Prisma.sql`(
    (SELECT r.id FROM namespace n JOIN repo r ON r.namespace_id = n.id WHERE n.name_key = lower(${owner ?? null}) AND r.name_key = lower(${repo ?? null}) AND r.deleted_at IS NULL)
    UNION (SELECT r.id FROM repo r WHERE r.name_key = lower(${name}) AND r.deleted_at IS NULL AND r.has_commits ORDER BY r.created_at, r.id LIMIT ${MOST_LOOKED_AT})
    UNION (SELECT r.id FROM (
        SELECT i.id, i.commit_id FROM inspection i WHERE lower(i.facts->>'mainFile') = lower(${name}) || '.safetensors' ORDER BY i.created_at LIMIT ${MOST_LOOKED_AT}) i
      JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id AND r.head_inspection_id = i.id))`;
}

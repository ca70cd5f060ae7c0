import { database } from "#lib/db/client.ts";

/** The name of the repo that a commit is of; null where that repo is gone. */
export async function repoNameOf(commitId: string): Promise<string | null> {
  const row = await database().commit.findFirst({
    where: { id: commitId, repo: { deletedAt: null } },
    select: { repo: { select: { name: true } } },
  });
  return row?.repo.name ?? null;
}

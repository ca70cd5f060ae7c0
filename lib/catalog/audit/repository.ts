import { database } from "#lib/db/client.ts";

export async function personOf(username: string): Promise<string | null> {
  const row = await database().namespace.findUnique({
    where: { nameKey: username.toLowerCase() },
    select: { userId: true },
  });
  return row?.userId ?? null;
}

/** By the ids of people. */
export async function usernamesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await database().namespace.findMany({
    where: { userId: { in: [...new Set(ids)] } },
    select: { userId: true, name: true },
  });
  return new Map(rows.map(({ userId, name }) => [userId!, name]));
}

import { visibleTo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { NamespaceItem, Role } from "./schema.ts";

/** Of a person, whose own name is shown, or of an organisation. @returns the id */
export async function insertNamespace(
  transaction: Transaction,
  { name, displayName, userId }: { name: string; displayName: string | null; userId: string | null },
): Promise<string> {
  const { id } = await transaction.namespace.create({
    data: { kind: userId === null ? "organisation" : "user", name, displayName, userId },
    select: { id: true },
  });
  return id;
}

/** Rows in the order of their names, from after `after` on: the actor's own, or all in which there is a repo that they may see. */
export async function selectNamespaces(
  actor: Actor,
  { mine, after, take }: { mine: boolean; after: string | null; take: number },
): Promise<NamespaceItem[]> {
  const theirs: Prisma.NamespaceWhereInput[] =
    actor.kind === "person" && actor.scopes.has("read")
      ? [{ userId: actor.userId }, { members: { some: { userId: actor.userId } } }]
      : [];
  const shown: Prisma.NamespaceWhereInput[] = mine
    ? theirs
    : [...theirs, { repos: { some: { AND: [visibleTo(actor), { hasCommits: true }] } } }];
  const rows = await database().namespace.findMany({
    where: { OR: shown, ...(after === null ? {} : { nameKey: { gt: after } }) },
    orderBy: { nameKey: "asc" },
    take,
    select: itemColumns,
  });
  return rows.map(toItem);
}

export interface NamespaceRow {
  readonly item: NamespaceItem;
  readonly members: readonly { readonly userId: string; readonly username: string; readonly role: Role }[];
  readonly userId: string | null;
}

export async function findNamespaceRow(name: string): Promise<NamespaceRow | null> {
  const row = await database().namespace.findUnique({
    where: { nameKey: name.toLowerCase() },
    select: {
      ...itemColumns,
      userId: true,
      members: { select: { role: true, userId: true, user: { select: { namespace: { select: { name: true } } } } } },
    },
  });
  if (!row) return null;
  const members = row.members.map(({ userId, role, user }) => ({ userId, role, username: user.namespace?.name ?? "" }));
  return {
    item: toItem(row),
    members: members.toSorted((a, b) => (a.username < b.username ? -1 : 1)),
    userId: row.userId,
  };
}

/** The organisations of a person, by name. */
export async function selectMemberships(
  userId: string,
): Promise<{ name: string; displayName: string | null; role: Role }[]> {
  const rows = await database().member.findMany({
    where: { userId },
    select: { role: true, namespace: { select: { name: true, displayName: true } } },
    orderBy: { namespace: { nameKey: "asc" } },
  });
  return rows.map(({ role, namespace }) => ({ ...namespace, role }));
}

export const countOwned = (transaction: Transaction, userId: string): Promise<number> =>
  transaction.member.count({ where: { userId, role: "owner" } });

export const countOwners = (transaction: Transaction, namespaceId: string): Promise<number> =>
  transaction.member.count({ where: { namespaceId, role: "owner" } });

/** The id of the person whose name that is. */
export async function findPerson(transaction: Transaction, username: string): Promise<string | null> {
  const row = await transaction.namespace.findUnique({
    where: { nameKey: username.toLowerCase() },
    select: { userId: true },
  });
  return row?.userId ?? null;
}

export async function upsertMember(
  transaction: Transaction,
  namespaceId: string,
  userId: string,
  role: Role,
): Promise<void> {
  await transaction.member.upsert({
    where: { namespaceId_userId: { namespaceId, userId } },
    create: { namespaceId, userId, role },
    update: { role },
  });
}

/** @returns whether they were one */
export async function deleteMember(transaction: Transaction, namespaceId: string, userId: string): Promise<boolean> {
  const { count } = await transaction.member.deleteMany({ where: { namespaceId, userId } });
  return count > 0;
}

const itemColumns = {
  name: true,
  kind: true,
  displayName: true,
  createdAt: true,
  user: { select: { name: true } },
} as const;

interface ItemRow {
  readonly name: string;
  readonly kind: NamespaceItem["kind"];
  readonly displayName: string | null;
  readonly createdAt: Date;
  readonly user: { readonly name: string } | null;
}

const toItem = ({ name, kind, displayName, createdAt, user }: ItemRow): NamespaceItem => ({
  name,
  kind,
  displayName: user?.name ?? displayName,
  createdAt: createdAt.toISOString(),
});

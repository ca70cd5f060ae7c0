import { z } from "zod";
import { requireManage, requireSession, seesAll } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { showQuota } from "#lib/catalog/quotas/service.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction, type Transaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { AppError } from "#lib/errors.ts";
import { type Page, parseCursor, toPage } from "#lib/page.ts";
import {
  countOwned,
  countOwners,
  deleteMember,
  findNamespaceRow,
  findPerson,
  insertNamespace,
  selectNamespaces,
  upsertMember,
} from "./repository.ts";
import { isOurs } from "./reserved.ts";
import type { NamespaceItem, NamespacePage, NamespaceQuery, NewOrganisation, Role } from "./schema.ts";

const MAX_OWNED = 50; // by one person: names are for everybody

/** Makes an organisation of which the actor is the owner; the hub's own has none. @throws conflict when the name is taken */
export async function createOrganisation(actor: Actor, { name, displayName }: NewOrganisation): Promise<NamespacePage> {
  const owner = actor.kind === "hub" ? null : requireSession(actor);
  if (owner) requireOthersName(name, "name");
  await inTransaction(database(), async (transaction) => {
    const id = await insertNamespace(transaction, { name, displayName: displayName || null, userId: null });
    if (owner) {
      await upsertMember(transaction, id, owner.userId, "owner");
      if ((await countOwned(transaction, owner.userId)) > MAX_OWNED)
        throw new AppError("conflict", `You own ${MAX_OWNED} organisations, as many as one may; hand one over first.`);
    }
    await audit(transaction, actor, "namespace.create", id, { name });
  }).catch((cause: unknown) => Promise.reject(nameTaken(cause, name, "name")));
  return getNamespace(actor, name);
}

/** The actor's own and those in which there is something that they may see, by name. */
export async function listNamespaces(
  actor: Actor,
  { cursor, limit, mine }: NamespaceQuery,
): Promise<Page<NamespaceItem>> {
  const [after] =
    cursor === undefined
      ? [null]
      : parseCursor(
          cursor,
          z.tuple([
            z
              .string()
              .max(96)
              .regex(/^[\w.-]*$/),
          ]),
        );
  const rows = await selectNamespaces(actor, { mine, after, take: limit + 1 });
  return toPage(rows, limit, ({ name }) => [name.toLowerCase()]);
}

/** Who is behind a name. Members are told to members. @throws not_found */
export async function getNamespace(actor: Actor, name: string): Promise<NamespacePage> {
  const row = await findNamespaceRow(name);
  if (!row) throw new AppError("not_found", `There is no namespace ${name}; check the name.`);
  const { item, members, userId } = row;
  const me = actor.kind === "person" && actor.scopes.has("read") ? actor : null;
  const role =
    me === null
      ? null
      : userId === me.userId
        ? "owner"
        : (members.find((member) => member.userId === me.userId)?.role ?? null);
  const isTold = role !== null || seesAll(actor);
  const mayKnow = item.kind === "organisation" && isTold;
  const quota = isTold ? await showQuota(name) : null;
  return { ...item, role, quota, members: mayKnow ? members.map(({ username, role }) => ({ username, role })) : null };
}

/** Takes somebody in, or gives them another role. Who may: owners. @throws not_found, forbidden, conflict for the last owner */
export async function setMember(actor: Actor, name: string, username: string, role: Role): Promise<NamespacePage> {
  const { id } = await requireManage(actor, name);
  await inTransaction(database(), async (transaction) => {
    const userId = await requirePerson(transaction, username);
    await upsertMember(transaction, id, userId, role);
    await requireOwnerLeft(transaction, id, name);
    await audit(transaction, actor, "member.set", id, { userId, role });
  });
  return getNamespace(actor, name);
}

/** Who may: owners, and everybody for themselves. @throws not_found, forbidden, conflict for the last owner */
export async function removeMember(actor: Actor, name: string, username: string): Promise<void> {
  const { id } = await requireManage(
    actor,
    name,
    actor.kind === "person" && actor.name.toLowerCase() === username.toLowerCase(),
  );
  await inTransaction(database(), async (transaction) => {
    const userId = await requirePerson(transaction, username);
    if (!(await deleteMember(transaction, id, userId)))
      throw new AppError("not_found", `${username} is not a member of ${name}; look at the list of its members.`);
    await requireOwnerLeft(transaction, id, name);
    await audit(transaction, actor, "member.remove", id, { userId });
  });
}

/** `field` is where the name was written. @throws conflict */
export function requireOthersName(name: string, field: string): void {
  if (isOurs(name))
    throw new AppError("conflict", `The name ${name} is kept for the hub itself; take another.`, { field });
}

/** A write that met a name that exists, as the failure to tell; any other as it is. */
export const nameTaken = (cause: unknown, name: string, field: string): unknown =>
  violatedRule(cause) === "namespace_name_key_key"
    ? new AppError("conflict", `The name ${name} is taken; take another.`, { field }, cause)
    : cause;

async function requirePerson(transaction: Transaction, username: string): Promise<string> {
  const userId = await findPerson(transaction, username);
  if (userId === null)
    throw new AppError("not_found", `There is no person ${username}; check the name.`, { field: "username" });
  return userId;
}

/** Two owners who go at once are told apart by the transaction: one of them stays. */
async function requireOwnerLeft(transaction: Transaction, namespaceId: string, name: string): Promise<void> {
  if ((await countOwners(transaction, namespaceId)) === 0)
    throw new AppError("conflict", `${name} would be left without an owner; make somebody else one first.`);
}

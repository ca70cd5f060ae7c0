import { randomUUID } from "node:crypto";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { requirePerson } from "./access.ts";
import { type Actor, type Person, scopes } from "./actor.ts";

export interface NewPerson {
  readonly name: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly isOperator: boolean;
}

/** A person with a password, as better-auth keeps them. Whose namespace they get is for the caller's transaction. @returns the id */
export async function insertPerson(
  transaction: Transaction,
  { name, email, passwordHash, isOperator }: NewPerson,
): Promise<string> {
  const id = randomUUID();
  const account = { id: randomUUID(), accountId: id, providerId: "credential", password: passwordHash };
  await transaction.user.create({ data: { id, name, email, isOperator, accounts: { create: account } } });
  return id;
}

/** What of an account says who somebody is. */
export const personColumns = { id: true, isOperator: true, namespace: { select: { name: true } } } as const;

interface Account {
  readonly id: string;
  readonly isOperator: boolean;
  readonly namespace: { readonly name: string } | null;
}

/** @param by what they came by. Null for an account without a name of its own: it is being made, or taken away */
export const toPerson = (
  { id, isOperator, namespace }: Account,
  by: Pick<Person, "scopes" | "tokenId" | "sessionId">,
): Person | null => namespace && { kind: "person", userId: id, name: namespace.name, isOperator, ...by };

/** Somebody as their session would have them: for work that they asked for, and are not there to see begun. Null where they are gone. */
export async function personById(userId: string): Promise<Person | null> {
  const row = await database().user.findUnique({ where: { id: userId }, select: personColumns });
  return row && toPerson(row, { scopes: new Set(scopes), tokenId: null });
}

export interface Profile {
  readonly name: string;
  readonly email: string;
  readonly createdAt: Date;
}

/** What somebody has told of themselves, for themselves. @throws unauthenticated, forbidden */
export async function getProfile(actor: Actor): Promise<Profile> {
  const { userId } = requirePerson(actor, "read");
  const row = await database().user.findUnique({
    where: { id: userId },
    select: { name: true, email: true, createdAt: true },
  });
  if (!row)
    throw new AppError("unauthenticated", "This account is gone; ask an operator of this hub for an invitation.");
  return row;
}

/** Changes the name that is shown. @throws unauthenticated, forbidden */
export async function renamePerson(actor: Actor, name: string): Promise<void> {
  const { userId } = requirePerson(actor, "write");
  await database().user.updateMany({ where: { id: userId }, data: { name } });
}

import { randomUUID } from "node:crypto";
import type { Actor, Person, Scope } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";

/** Somebody with an account and a namespace of that name, signed in by a session. */
export async function newPerson(
  name: string,
  { isOperator = false }: { readonly isOperator?: boolean } = {},
): Promise<Person> {
  const userId = randomUUID();
  await database().user.create({
    data: {
      id: userId,
      name,
      email: `${name.toLowerCase()}@example.org`,
      isOperator,
      namespace: { create: { kind: "user", name } },
    },
  });
  return { kind: "person", userId, name, isOperator, scopes: new Set(["read", "write", "run"]), tokenId: null };
}

/** The same person with a token that may only do this. */
export const tokenOf = (person: Person, ...scopes: Scope[]): Actor => ({
  ...person,
  scopes: new Set(scopes),
  tokenId: `token-of-${person.name}`,
});

export async function newOrganisation(
  name: string,
  members: readonly (readonly [person: Person, role: "owner" | "writer" | "reader"])[],
): Promise<void> {
  await database().namespace.create({
    data: { kind: "organisation", name, members: { create: members.map(([{ userId }, role]) => ({ userId, role })) } },
  });
}

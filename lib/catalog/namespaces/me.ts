import { requirePerson } from "#lib/auth/access.ts";
import type { Actor, Scope } from "#lib/auth/actor.ts";
import { getProfile } from "#lib/auth/person.ts";
import { selectMemberships } from "./repository.ts";
import type { Role } from "./schema.ts";

export interface Me {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isOperator: boolean;
  readonly createdAt: string;
  /** What this session or token may do. */
  readonly scopes: readonly Scope[];
  readonly organisations: readonly {
    readonly name: string;
    readonly displayName: string | null;
    readonly role: Role;
  }[];
}

/** Who the actor is, to themselves. @throws unauthenticated, forbidden */
export async function describeMe(actor: Actor): Promise<Me> {
  const person = requirePerson(actor, "read");
  const { name, email, createdAt } = await getProfile(person);
  const { userId, name: username, isOperator, scopes } = person;
  return {
    id: userId,
    username,
    name,
    email,
    isOperator,
    createdAt: createdAt.toISOString(),
    scopes: [...scopes],
    organisations: await selectMemberships(userId),
  };
}

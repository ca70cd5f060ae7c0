import { requirePerson } from "#lib/auth/access.ts";
import type { Actor, Scope } from "#lib/auth/actor.ts";
import { getProfile } from "#lib/auth/person.ts";
import type { QuotaView } from "#lib/catalog/quotas/schema.ts";
import { showQuota } from "#lib/catalog/quotas/service.ts";
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
  /** What is used of what you may have. */
  readonly quota: QuotaView;
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
    quota: await showQuota(username),
    organisations: await selectMemberships(userId),
  };
}

import { requirePerson } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { tokenOf } from "#lib/auth/token.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";

const roles = { owner: "admin", writer: "write", reader: "read" } as const;

/** Who is asking, as `whoami` reads it. @throws unauthenticated, forbidden */
export async function whoAmI(actor: Actor) {
  const person = requirePerson(actor, "read");
  const [me, token] = [await describeMe(person), await tokenOf(person)];
  return {
    type: "user",
    id: me.id,
    name: me.username,
    fullname: me.name,
    email: me.email,
    emailVerified: false,
    canPay: false,
    isPro: false,
    periodEnd: null,
    avatarUrl: "",
    orgs: me.organisations.map(({ name, displayName, role }) => ({
      type: "org",
      id: name,
      name,
      fullname: displayName ?? name,
      email: null,
      canPay: false,
      periodEnd: null,
      avatarUrl: "",
      roleInOrg: roles[role],
      isEnterprise: false,
    })),
    auth: {
      type: "access_token",
      accessToken: {
        displayName: token?.name ?? "session",
        role: me.scopes.includes("write") ? "write" : "read",
        createdAt: token?.createdAt.toISOString() ?? me.createdAt,
      },
    },
  };
}

import { renamePerson } from "#lib/auth/person.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { getMe, updateMe } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(getMe, ({ actor }) => describeMe(actor));
export const PATCH = route(updateMe, ({ actor, body }) => renamePerson(actor, body.name));

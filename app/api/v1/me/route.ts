import { getMe, updateMe } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";
import { describeMe, renameMe } from "#lib/catalog/namespaces/me.ts";

export const GET = route(getMe, ({ actor }) => describeMe(actor));
export const PATCH = route(updateMe, ({ actor, body }) => renameMe(actor, body.name));

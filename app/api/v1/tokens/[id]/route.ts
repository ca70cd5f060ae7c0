import { deleteToken as remove } from "#lib/auth/token.ts";
import { deleteToken } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const DELETE = route(deleteToken, ({ actor, params }) => remove(actor, params.id));

import { createToken as create, listTokens as list } from "#lib/auth/token.ts";
import { createToken, listTokens } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(listTokens, async ({ actor }) => ({ items: await list(actor), next: null }));
export const POST = route(createToken, ({ actor, body }) => create(actor, body));

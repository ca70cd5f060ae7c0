import { changePassword as change } from "#lib/auth/password.ts";
import { changePassword } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(
  changePassword,
  async ({ actor, body, request }) =>
    new Response(null, { status: 204, headers: await change(actor, body, request.headers) }),
);

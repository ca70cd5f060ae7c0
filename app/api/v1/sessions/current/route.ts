import { closeSession } from "#lib/auth/session.ts";
import { deleteSession } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const DELETE = route(
  deleteSession,
  async ({ request }) => new Response(null, { status: 204, headers: await closeSession(request.headers) }),
);

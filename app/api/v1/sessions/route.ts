import { signIn } from "#lib/auth/sign-in.ts";
import { createSession } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";
import { refuseOtherSite } from "#lib/http/same-origin.ts";

export const POST = route(createSession, async ({ body, request }) => {
  refuseOtherSite(request);
  const { username, cookies } = await signIn(body, request.headers);
  return Response.json({ username }, { status: 201, headers: cookies });
});

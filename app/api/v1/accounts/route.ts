import { signUp } from "#lib/catalog/namespaces/sign-up.ts";
import { createAccount } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";
import { refuseOtherSite } from "#lib/http/same-origin.ts";

export const POST = route(createAccount, async ({ body, request }) => {
  refuseOtherSite(request);
  return Response.json({ username: body.username }, { status: 201, headers: await signUp(body, request.headers) });
});

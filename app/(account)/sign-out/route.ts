import { closeSession } from "#lib/auth/session.ts";
import { seeOther } from "#lib/http/form.ts";
import { deleteSession } from "#lib/http/operations/account.ts";
import { answerAt } from "#lib/http/route.ts";
import { requireSameOrigin } from "#lib/http/same-origin.ts";

export const POST = answerAt(deleteSession, async (request) => {
  requireSameOrigin(request);
  return seeOther("/", await closeSession(request.headers));
});

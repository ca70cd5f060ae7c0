import { closeSession } from "#lib/auth/session.ts";
import { seeOther } from "#lib/http/form.ts";
import { answering } from "#lib/http/route.ts";
import { requireSameOrigin } from "#lib/http/same-origin.ts";

export const POST = (request: Request): Promise<Response> =>
  answering(request, "/sign-out", async () => {
    requireSameOrigin(request);
    return seeOther("/", await closeSession(request.headers));
  });

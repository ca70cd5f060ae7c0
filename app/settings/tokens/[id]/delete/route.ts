import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { deleteToken } from "#lib/auth/token.ts";
import { formRoute } from "#lib/http/form.ts";

export const POST = formRoute({
  page: "/settings",
  schema: z.object({}),
  kept: [],
  async submit(_input, request, { id }) {
    await deleteToken(await actorOf(request.headers), id!);
    return new Headers({ Location: "/settings?done=token#tokens" });
  },
});

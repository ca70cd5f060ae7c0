import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { cancelPair } from "#lib/catalog/pairs/service.ts";
import { formRoute } from "#lib/http/form.ts";

export const POST = formRoute({
  page: "/pairs",
  schema: z.object({}),
  kept: [],
  async submit(_input, request, { id }) {
    await cancelPair(await actorOf(request.headers), z.uuid().parse(id));
    return new Headers({ Location: `/pairs/${id}` });
  },
});

import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { newCheck } from "#lib/catalog/pairs/schema.ts";
import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { formRoute } from "#lib/http/form.ts";

/** The button that measures: leads to the page of the pair, where it is seen going on. */
export const POST = formRoute({
  page: "/pairs",
  schema: z.object({
    ...newCheck.shape,
    pictures: z.coerce.number().pipe(newCheck.shape.pictures.unwrap()).optional(),
  }),
  kept: ["finetune", "guide"],
  async submit({ finetune, guide, pictures }, request) {
    const actor = await actorOf(request.headers);
    if (actor.kind === "anonymous")
      return new Headers({ Location: `/sign-in?next=${encodeURIComponent(`/${finetune}`)}` });
    const { id } = await requestCheck(actor, { finetune, guide, ...(pictures !== undefined && { pictures }) });
    return new Headers({ Location: `/pairs/${id}` });
  },
});

import { newCheck } from "#lib/catalog/pairs/schema.ts";
import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/evidence.ts";

/** The button that measures: leads to the page of the pair, where it is seen going on. */
export const POST = formRoute({
  does: operations.requestCheck,
  page: "/pairs",
  schema: newCheck,
  kept: ["finetune", "guide"],
  comesBackTo: ({ finetune = "" }) => `/${finetune}`,
  async submit({ actor, input }) {
    const { id } = await requestCheck(actor, input);
    return new Headers({ Location: `/pairs/${id}` });
  },
});

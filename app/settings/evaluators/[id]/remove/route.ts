import { z } from "zod";
import { removeEvaluator } from "#lib/catalog/evaluators/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/hub.ts";

export const POST = formRoute({
  does: operations.removeEvaluator,
  page: "/settings",
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { id } }) {
    await removeEvaluator(actor, id!);
    return new Headers({ Location: "/settings#evaluators" });
  },
});

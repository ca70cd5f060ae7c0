import { z } from "zod";
import { knownName } from "#lib/catalog/namespaces/schema.ts";
import { quotaToSet } from "#lib/catalog/quotas/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";
import { pathTo } from "#lib/http/path-to.ts";

/** From a name to the page of its limits. */
export const POST = formRoute({
  does: operations.setQuota,
  page: "/settings",
  schema: z.object({ quotaOf: knownName }),
  kept: ["quotaOf"],
  async submit({ actor, input }) {
    const { name } = await quotaToSet(actor, input.quotaOf).catch((cause: unknown) => {
      if (!(cause instanceof AppError) || cause.code !== "not_found") throw cause;
      throw new AppError("not_found", cause.message, { field: "quotaOf" }, cause);
    });
    return new Headers({ Location: pathTo("settings", "quotas", name) });
  },
});

import { z } from "zod";
import { newOrganisation } from "#lib/catalog/namespaces/schema.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";

/** Its field has a name of its own: a person's stands on the same page. */
const form = z.object({ organisation: z.string().trim() }).transform(({ organisation }) => ({ name: organisation }));

export const POST = formRoute({
  does: operations.createOrganisation,
  page: "/settings",
  schema: form.pipe(newOrganisation),
  kept: ["organisation"],
  async submit({ actor, input }) {
    const { name } = await createOrganisation(actor, input);
    return new Headers({ Location: `/settings/organisations/${name}` });
  },
});

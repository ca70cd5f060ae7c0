import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { newOrganisation } from "#lib/catalog/namespaces/schema.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";

/** Its field has a name of its own: a person's stands on the same page. */
const form = z.object({ organisation: z.string().trim() }).transform(({ organisation }) => ({ name: organisation }));

export const POST = formRoute({
  page: "/settings",
  schema: form.pipe(newOrganisation),
  kept: ["organisation"],
  async submit(wish, request) {
    const { name } = await createOrganisation(await actorOf(request.headers), wish);
    return new Headers({ Location: `/settings/organisations/${name}` });
  },
});

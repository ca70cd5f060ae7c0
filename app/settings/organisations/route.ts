import { actorOf } from "#lib/auth/actor-of.ts";
import { newOrganisation } from "#lib/catalog/namespaces/schema.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";

export const POST = formRoute({
  page: "/settings",
  schema: newOrganisation,
  kept: ["name"],
  async submit(wish, request) {
    const { name } = await createOrganisation(await actorOf(request.headers), wish);
    return new Headers({ Location: `/${name}` });
  },
});

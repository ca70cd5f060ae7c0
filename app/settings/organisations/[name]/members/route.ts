import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { knownName, role } from "#lib/catalog/namespaces/schema.ts";
import { setMember } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";
import { pathTo } from "#lib/http/path-to.ts";

const pageOf = (name: string): string => pathTo("settings", "organisations", name);

/** Takes somebody in, or gives them another role. */
export const POST = formRoute({
  page: ({ name }) => pageOf(name!),
  schema: z.object({ username: knownName, role }),
  kept: ["username"],
  async submit({ username, role }, request, { name }) {
    await setMember(await actorOf(request.headers), name!, username, role);
    return new Headers({ Location: pageOf(name!) });
  },
});

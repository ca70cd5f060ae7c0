import { z } from "zod";
import { knownName, role } from "#lib/catalog/namespaces/schema.ts";
import { setMember } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";
import { pathTo } from "#lib/http/path-to.ts";

const pageOf = (name: string): string => pathTo("settings", "organisations", name);

/** Takes somebody in, or gives them another role. */
export const POST = formRoute({
  does: operations.setMember,
  page: ({ name }) => pageOf(name!),
  schema: z.object({ username: knownName, role }),
  kept: ["username"],
  async submit({ actor, input: { username, role }, params: { name } }) {
    await setMember(actor, name!, username, role);
    return new Headers({ Location: pageOf(name!) });
  },
});

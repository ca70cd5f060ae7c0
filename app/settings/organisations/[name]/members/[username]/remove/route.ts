import { z } from "zod";
import { removeMember } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/account.ts";
import { pathTo } from "#lib/http/path-to.ts";

const pageOf = (name: string): string => pathTo("settings", "organisations", name);

export const POST = formRoute({
  does: operations.removeMember,
  page: ({ name }) => pageOf(name!),
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { name, username } }) {
    await removeMember(actor, name!, username!);
    const isGone = actor.kind === "person" && actor.name.toLowerCase() === username!.toLowerCase();
    return new Headers({ Location: isGone ? "/settings#organisations" : pageOf(name!) });
  },
});

import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { removeMember } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";
import { pathTo } from "#lib/http/path-to.ts";

const pageOf = (name: string): string => pathTo("settings", "organisations", name);

export const POST = formRoute({
  page: ({ name }) => pageOf(name!),
  schema: z.object({}),
  kept: [],
  async submit(_input, request, { name, username }) {
    const actor = await actorOf(request.headers);
    await removeMember(actor, name!, username!);
    const isGone = actor.kind === "person" && actor.name.toLowerCase() === username!.toLowerCase();
    return new Headers({ Location: isGone ? "/settings#organisations" : pageOf(name!) });
  },
});

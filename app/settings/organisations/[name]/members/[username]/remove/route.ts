import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { removeMember } from "#lib/catalog/namespaces/service.ts";
import { formRoute } from "#lib/http/form.ts";

const pageOf = (name: string): string => `/settings/organisations/${encodeURIComponent(name)}`;

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

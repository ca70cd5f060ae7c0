import type { Actor } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { previewParams } from "#lib/catalog/previews/schema.ts";
import { attachPreview, cancelPreview, deletePreview, rerunPreview } from "#lib/catalog/previews/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import type { RouteContext } from "#lib/http/route.ts";
import { z } from "zod";

/** What the buttons of a preview's page do, and the page that comes after. */
const actions: Readonly<Record<string, (actor: Actor, id: string) => Promise<string>>> = {
  cancel: async (actor, id) => pageOf((await cancelPreview(actor, id)).id),
  rerun: async (actor, id) => pageOf((await rerunPreview(actor, id, {})).id),
  show: async (actor, id) => pageOf((await attachPreview(actor, id, { attached: true })).id),
  hide: async (actor, id) => pageOf((await attachPreview(actor, id, { attached: false })).id),
  delete: async (actor, id) => deletePreview(actor, id).then(() => "/previews"),
};

const pageOf = (id: string): string => `/previews/${id}`;

export async function POST(request: Request, { params }: RouteContext): Promise<Response> {
  const { id = "", action = "" } = await params;
  const page = previewParams.safeParse({ id }).success ? pageOf(String(id)) : "/previews";
  return formRoute({
    page,
    schema: z.object({}),
    kept: [],
    submit: async (_none, from) => {
      const act = Object.hasOwn(actions, String(action)) ? actions[String(action)]! : null;
      if (!act || page === "/previews")
        throw new AppError("not_found", "There is no such button; go back to the preview.");
      return new Headers({ Location: await act(await actorOf(from.headers), String(id)) });
    },
  })(request);
}

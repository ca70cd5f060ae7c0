import { z } from "zod";
import type { Actor } from "#lib/auth/actor.ts";
import { previewParams } from "#lib/catalog/previews/schema.ts";
import { attachPreview, cancelPreview, deletePreview, rerunPreview } from "#lib/catalog/previews/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/previews.ts";

const doors = {
  cancel: operations.cancelPreview,
  rerun: operations.rerunPreview,
  show: operations.attachPreview,
  hide: operations.attachPreview,
  delete: operations.deletePreview,
} as const;

/** What the buttons of a preview's page do, and the page that comes after. */
const actions: Readonly<Record<keyof typeof doors, (actor: Actor, id: string) => Promise<string>>> = {
  cancel: async (actor, id) => pageOf((await cancelPreview(actor, id)).id),
  rerun: async (actor, id) => pageOf((await rerunPreview(actor, id, {})).id),
  show: async (actor, id) => pageOf((await attachPreview(actor, id, { attached: true })).id),
  hide: async (actor, id) => pageOf((await attachPreview(actor, id, { attached: false })).id),
  delete: async (actor, id) => deletePreview(actor, id).then(() => "/previews"),
};

const pageOf = (id: string): string => `/previews/${id}`;
const isId = (id: string | undefined): id is string => previewParams.safeParse({ id }).success;

export const POST = formRoute({
  does: doors,
  page: ({ id }) => (isId(id) ? pageOf(id) : "/previews"),
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { id, action } }) {
    if (!isId(id)) throw new AppError("not_found", "There is no preview of that id; look at the list of them.");
    return new Headers({ Location: await actions[action as keyof typeof doors](actor, id) });
  },
});

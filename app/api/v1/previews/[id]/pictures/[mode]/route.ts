import { credentialOf } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { findPicture } from "#lib/catalog/previews/views.ts";
import { getPicture } from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";
import { sendBytes } from "#lib/http/send-bytes.ts";
import { objectStore } from "#lib/storage/open-store.ts";

export const GET = route(getPicture, async ({ actor, params: { id, mode }, query, request }) => {
  const { sha256, size, storageKey, isVersion } = await findPicture(actor, id, mode, query.v);
  // No longer, though an address never shows other bytes: a repo of it may become private, and its pictures with it.
  const headers = {
    "Cache-Control": isVersion ? "private, max-age=60, no-transform" : "private, no-cache, no-transform",
  };
  const right = {
    name: JSON.stringify([id, mode, query.v, credentialOf(actor)]),
    require: async () => findPicture(await actorOf(request.headers), id, mode, query.v),
  };
  return sendBytes(
    request,
    {
      right,
      size,
      tag: sha256,
      fileName: `${id}-${mode}.png`,
      contentType: "image/png",
      disposition: "inline",
      headers,
    },
    (range, signal) => objectStore().read(storageKey, range, signal),
  );
});

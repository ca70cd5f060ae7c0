import { credentialOf } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { findSample } from "#lib/catalog/distillations/views.ts";
import { getDistillationSample } from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";
import { sendBytes } from "#lib/http/send-bytes.ts";
import { objectStore } from "#lib/storage/open-store.ts";

export const GET = route(getDistillationSample, async ({ actor, params: { id, sample }, request }) => {
  const { sha256, size, storageKey } = await findSample(actor, id, sample);
  const right = {
    name: JSON.stringify([id, sample, credentialOf(actor)]),
    require: async () => findSample(await actorOf(request.headers), id, sample),
  };
  return sendBytes(
    request,
    {
      right,
      size,
      tag: sha256,
      fileName: `${id}-${sample}.png`,
      contentType: "image/png",
      disposition: "inline",
    },
    (range, signal) => objectStore().read(storageKey, range, signal),
  );
});

import { addressOf } from "#lib/auth/throttle.ts";
import { comparisonPicture } from "#lib/catalog/comparisons/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

/** Its headers say nothing of what is in it, and nobody keeps it: the question of one person is none of another's. */
export const GET = route(operations.getComparisonPicture, async ({ actor, params: { id, question }, request }) => {
  const png = await comparisonPicture({ actor, address: addressOf(request.headers) }, id, question);
  return new Response(new Uint8Array(png), {
    headers: {
      "Content-Type": "image/png",
      "Cache-Control": "private, max-age=60, no-transform",
      "X-Content-Type-Options": "nosniff",
    },
  });
});

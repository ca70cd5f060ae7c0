import { addressOf } from "#lib/auth/throttle.ts";
import { answerComparison, getComparison } from "#lib/catalog/comparisons/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getComparison, async ({ actor, params, request }) =>
  Response.json(await getComparison({ actor, address: addressOf(request.headers) }, params.id)),
);

export const POST = route(operations.answerComparison, async ({ actor, params, body, request }) => {
  const viewer = { actor, address: addressOf(request.headers) };
  await answerComparison(viewer, params.id, body);
  return Response.json(await getComparison(viewer, params.id));
});

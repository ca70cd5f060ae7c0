import { readiness } from "#lib/catalog/readiness/service.ts";
import { getReadiness } from "#lib/http/operations/hub.ts";
import { answerAt } from "#lib/http/route.ts";

export const GET = answerAt(getReadiness, async () => {
  const found = await readiness();
  return Response.json(found, { status: found.ready ? 200 : 503 });
});

import { answering } from "#lib/http/route.ts";
import { getReadiness } from "#lib/http/operations/hub.ts";
import { readiness } from "#lib/catalog/readiness/service.ts";

export const GET = (request: Request): Promise<Response> =>
  answering(request, getReadiness.path, async () => {
    const found = await readiness();
    return Response.json(found, { status: found.ready ? 200 : 503 });
  });

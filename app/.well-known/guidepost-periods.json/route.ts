import { listPeriods } from "#lib/catalog/periods/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getPeriods, async () =>
  Response.json({ periods: await listPeriods() }, { headers: { "Cache-Control": "public, max-age=60" } }),
);

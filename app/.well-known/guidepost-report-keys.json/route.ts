import { reportKeys } from "#lib/catalog/reports/signing-key.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getReportKeys, async () =>
  Response.json({ keys: await reportKeys() }, { headers: { "Cache-Control": "public, max-age=300" } }),
);

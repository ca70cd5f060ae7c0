import { getReport } from "#lib/catalog/reports/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

/** Indented, since people open it; the signature holds for its canonical form. */
export const GET = route(operations.getReport, async ({ actor, params }) => {
  const body = `${JSON.stringify(await getReport(actor, params.id), null, 1)}\n`;
  return new Response(body, {
    headers: {
      "Content-Type": "application/json",
      "Content-Disposition": `attachment; filename="report-${params.id}.json"`,
    },
  });
});

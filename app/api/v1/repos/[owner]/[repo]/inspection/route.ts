import { getInspection } from "#lib/catalog/inspections/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getInspection, ({ actor, params, query }) =>
  getInspection(actor, params, query.revision),
);

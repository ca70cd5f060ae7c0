import { listAudit as list } from "#lib/catalog/audit/service.ts";
import * as operations from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listAudit, ({ actor, query }) => list(actor, query));

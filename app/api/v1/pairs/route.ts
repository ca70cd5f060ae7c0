import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listPairs, ({ actor, query }) => listPairs(actor, query));
export const POST = route(operations.requestCheck, ({ actor, body }) => requestCheck(actor, body));

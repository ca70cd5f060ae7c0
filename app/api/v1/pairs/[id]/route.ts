import { getPair } from "#lib/catalog/pairs/views.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getPair, ({ actor, params, query }) => getPair(actor, params.id, query.raw));

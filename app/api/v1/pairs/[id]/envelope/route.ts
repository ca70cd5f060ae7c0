import { getEnvelope, requestEnvelope } from "#lib/catalog/pairs/study-service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getEnvelope, ({ actor, params, query }) =>
  getEnvelope(actor, params.id, query.raw),
);
export const POST = route(operations.requestEnvelope, ({ actor, params }) => requestEnvelope(actor, params.id));

import { cancelPair } from "#lib/catalog/pairs/service.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.cancelPair, ({ actor, params }) => cancelPair(actor, params.id));

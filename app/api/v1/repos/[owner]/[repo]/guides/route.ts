import { listGuides } from "#lib/catalog/pairs/partners.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listGuides, ({ actor, params, query }) => listGuides(actor, params, query));

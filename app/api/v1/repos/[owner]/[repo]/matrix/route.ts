import { matrix } from "#lib/catalog/pairs/matrix.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getMatrix, ({ actor, params, query }) => matrix(actor, params, query));

import { rerunPreview } from "#lib/catalog/previews/service.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.rerunPreview, ({ actor, params, body }) => rerunPreview(actor, params.id, body));

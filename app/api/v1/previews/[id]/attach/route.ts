import { attachPreview } from "#lib/catalog/previews/service.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.attachPreview, ({ actor, params, body }) => attachPreview(actor, params.id, body));

import { cancelPreview } from "#lib/catalog/previews/service.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.cancelPreview, ({ actor, params }) => cancelPreview(actor, params.id));

import { deletePreview } from "#lib/catalog/previews/service.ts";
import { getPreview } from "#lib/catalog/previews/views.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getPreview, ({ actor, params }) => getPreview(actor, params.id));
export const DELETE = route(operations.deletePreview, ({ actor, params }) => deletePreview(actor, params.id));

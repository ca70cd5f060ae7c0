import { createPreview } from "#lib/catalog/previews/service.ts";
import { listPreviews } from "#lib/catalog/previews/views.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listPreviews, ({ actor, query }) => listPreviews(actor, query));
export const POST = route(operations.createPreview, ({ actor, body }) => createPreview(actor, body));

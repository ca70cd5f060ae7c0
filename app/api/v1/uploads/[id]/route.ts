import { abortUpload, getUpload } from "#lib/catalog/uploads/service.ts";
import * as operations from "#lib/http/operations/uploads.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getUpload, ({ actor, params }) => getUpload(actor, params.id));
export const DELETE = route(operations.abortUpload, ({ actor, params }) => abortUpload(actor, params.id));

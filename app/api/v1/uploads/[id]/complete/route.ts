import { completeUpload as complete } from "#lib/catalog/uploads/service.ts";
import { completeUpload } from "#lib/http/operations/uploads.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(completeUpload, ({ actor, params }) => complete(actor, params.id));

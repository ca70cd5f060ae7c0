import { signParts } from "#lib/catalog/uploads/service.ts";
import { signUploadParts } from "#lib/http/operations/uploads.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(signUploadParts, ({ actor, params, body }) => signParts(actor, params.id, body.numbers));

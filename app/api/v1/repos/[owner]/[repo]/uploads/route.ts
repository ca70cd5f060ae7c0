import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { listUploads } from "#lib/catalog/uploads/service.ts";
import { idempotencyKeyOf } from "#lib/http/idempotency-key.ts";
import * as operations from "#lib/http/operations/uploads.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listUploads, ({ actor, params, query }) => listUploads(actor, params, query));
export const POST = route(operations.beginUpload, ({ actor, params, body, request }) =>
  beginUpload(actor, params, { ...body, idempotencyKey: idempotencyKeyOf(request.headers) }),
);

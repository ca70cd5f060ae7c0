import { listByHash } from "#lib/catalog/hashes/service.ts";
import * as operations from "#lib/http/operations/hashes.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.listByHash, ({ actor, body }) => listByHash(actor, body));

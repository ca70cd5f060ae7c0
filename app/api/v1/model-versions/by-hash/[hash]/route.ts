import { getByHash } from "#lib/catalog/hashes/service.ts";
import * as operations from "#lib/http/operations/hashes.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getByHash, ({ actor, params }) => getByHash(actor, params.hash));

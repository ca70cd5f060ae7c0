import { getCommit } from "#lib/catalog/commits/service.ts";
import * as operations from "#lib/http/operations/files.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getCommit, ({ actor, params }) => getCommit(actor, params, params.revision));

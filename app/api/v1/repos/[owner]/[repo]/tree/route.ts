import { listTree } from "#lib/catalog/files/service.ts";
import * as operations from "#lib/http/operations/files.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listTree, ({ actor, params, query }) => listTree(actor, params, query));

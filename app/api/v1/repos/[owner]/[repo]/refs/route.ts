import { createRef, listRefs } from "#lib/catalog/refs/service.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listRefs, ({ actor, params, query }) => listRefs(actor, params, query));
export const POST = route(operations.createRef, ({ actor, params, body }) => createRef(actor, params, body));

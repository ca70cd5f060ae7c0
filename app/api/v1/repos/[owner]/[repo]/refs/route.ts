import { createRef, listRefs } from "#lib/catalog/refs/service.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listRefs, async ({ actor, params }) => ({ items: await listRefs(actor, params) }));
export const POST = route(operations.createRef, ({ actor, params, body }) => createRef(actor, params, body));

import { deleteRef } from "#lib/catalog/refs/service.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { route } from "#lib/http/route.ts";

export const DELETE = route(operations.deleteRef, ({ actor, params }) => deleteRef(actor, params, params.name));

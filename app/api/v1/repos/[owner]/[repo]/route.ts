import { deleteRepo, getRepo, updateRepo } from "#lib/catalog/repos/service.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getRepo, ({ actor, params }) => getRepo(actor, params));
export const PATCH = route(operations.updateRepo, ({ actor, params, body }) => updateRepo(actor, params, body));
export const DELETE = route(operations.deleteRepo, ({ actor, params }) => deleteRepo(actor, params));

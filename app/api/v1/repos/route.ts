import { createRepo, listRepos } from "#lib/catalog/repos/service.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listRepos, ({ actor, query }) => listRepos(actor, query));
export const POST = route(operations.createRepo, ({ actor, body }) => createRepo(actor, body));

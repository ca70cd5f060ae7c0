import { createCommit, listCommits } from "#lib/catalog/commits/service.ts";
import * as operations from "#lib/http/operations/files.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listCommits, ({ actor, params, query }) => listCommits(actor, params, query));
export const POST = route(operations.createCommit, ({ actor, params, body }) => createCommit(actor, params, body));

import { createOrganisation as create, listNamespaces as list } from "#lib/catalog/namespaces/service.ts";
import { createOrganisation, listNamespaces } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(listNamespaces, ({ actor, query }) => list(actor, query));
export const POST = route(createOrganisation, ({ actor, body }) => create(actor, body));

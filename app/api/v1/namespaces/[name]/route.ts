import { getNamespace as get } from "#lib/catalog/namespaces/service.ts";
import { getNamespace } from "#lib/http/operations/account.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(getNamespace, ({ actor, params }) => get(actor, params.name));

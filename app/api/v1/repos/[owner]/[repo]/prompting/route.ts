import { getPrompting } from "#lib/catalog/prompting/service.ts";
import * as operations from "#lib/http/operations/prompting.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getPrompting, ({ actor, params }) => getPrompting(actor, params));

import { installEvaluator as install, listEvaluators as list } from "#lib/catalog/evaluators/service.ts";
import { installEvaluator, listEvaluators } from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(listEvaluators, async ({ actor }) => ({ items: await list(actor), next: null }));
export const POST = route(installEvaluator, ({ actor, body }) => install(actor, body));

import { removeEvaluator as remove } from "#lib/catalog/evaluators/service.ts";
import { removeEvaluator } from "#lib/http/operations/hub.ts";
import { route } from "#lib/http/route.ts";

export const DELETE = route(removeEvaluator, ({ actor, params }) => remove(actor, params.id));

import { getDistillation } from "#lib/catalog/distillations/views.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.getDistillation, ({ actor, params }) => getDistillation(actor, params.id));

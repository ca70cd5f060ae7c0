import { pauseDistillation } from "#lib/catalog/distillations/service.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.pauseDistillation, ({ actor, params }) => pauseDistillation(actor, params.id));

import { createDistillation } from "#lib/catalog/distillations/service.ts";
import { listDistillations } from "#lib/catalog/distillations/views.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listDistillations, ({ actor, query }) => listDistillations(actor, query));
export const POST = route(operations.createDistillation, ({ actor, body }) => createDistillation(actor, body));

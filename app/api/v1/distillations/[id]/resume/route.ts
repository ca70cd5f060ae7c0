import { resumeDistillation } from "#lib/catalog/distillations/service.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.resumeDistillation, ({ actor, params }) => resumeDistillation(actor, params.id));

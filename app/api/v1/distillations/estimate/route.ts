import { costOf } from "#lib/catalog/distillations/service.ts";
import * as operations from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.estimateDistillation, ({ actor, query }) => costOf(actor, query));

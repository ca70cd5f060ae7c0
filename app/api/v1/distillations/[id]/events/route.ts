import { distillationFeed } from "#lib/catalog/distillations/views.ts";
import { streamEvents } from "#lib/http/events.ts";
import { watchDistillation } from "#lib/http/operations/distillations.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(watchDistillation, ({ actor, params, request }) =>
  streamEvents(request, distillationFeed(actor, params.id), actor),
);

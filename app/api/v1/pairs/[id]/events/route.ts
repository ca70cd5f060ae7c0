import { pairFeed } from "#lib/catalog/pairs/views.ts";
import { streamEvents } from "#lib/http/events.ts";
import { watchPair } from "#lib/http/operations/evidence.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(watchPair, ({ actor, params, request }) =>
  streamEvents(request, pairFeed(actor, params.id), actor),
);

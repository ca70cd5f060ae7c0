import { previewFeed } from "#lib/catalog/previews/views.ts";
import { streamEvents } from "#lib/http/events.ts";
import { watchPreview } from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(watchPreview, ({ actor, params, request }) =>
  streamEvents(request, previewFeed(actor, params.id), actor),
);

import { forecastPreview } from "#lib/catalog/previews/forecast.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.forecastPreview, ({ actor, query }) => forecastPreview(actor, query));

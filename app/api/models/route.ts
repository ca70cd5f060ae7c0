import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerModels } from "#lib/hub/list-models.ts";
import { hubListModels } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubListModels, ({ request, actor, query }) => answerModels(request, actor, query));

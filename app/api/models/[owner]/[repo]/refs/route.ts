import { answerRefs } from "#lib/hub/history.ts";
import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubRefs } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubRefs, answerRefs);

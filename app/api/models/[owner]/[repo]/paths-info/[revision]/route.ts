import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerPathsInfo } from "#lib/hub/paths-info.ts";
import { hubPathsInfo } from "#lib/hub/reading-doors.ts";

export const POST = hubRoute(hubPathsInfo, answerPathsInfo);

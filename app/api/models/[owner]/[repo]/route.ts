import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerModel } from "#lib/hub/model-info.ts";
import { hubModel } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubModel, (call) => answerModel(call, null));

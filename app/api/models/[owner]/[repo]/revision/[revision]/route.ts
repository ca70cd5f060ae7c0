import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerModel } from "#lib/hub/model-info.ts";
import { hubModelAtRevision } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubModelAtRevision, (call) => answerModel(call, call.names.revision));

import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerTree } from "#lib/hub/list-tree.ts";
import { hubFolder } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubFolder, (call) => answerTree(call, call.names.path));

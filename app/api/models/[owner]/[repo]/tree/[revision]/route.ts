import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerTree } from "#lib/hub/list-tree.ts";
import { hubTree } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubTree, (call) => answerTree(call, ""));

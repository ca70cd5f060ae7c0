import { hubRoute } from "#lib/hub/hub-route.ts";
import { answerTree } from "#lib/hub/list-tree.ts";
import { hubFolder } from "#lib/hub/reading-doors.ts";
import { partRevision } from "#lib/hub/part-revision.ts";

export const GET = hubRoute(hubFolder, async (call) => {
  const { revision, folder } = await partRevision(call);
  return answerTree({ ...call, names: { ...call.names, revision } }, folder);
});

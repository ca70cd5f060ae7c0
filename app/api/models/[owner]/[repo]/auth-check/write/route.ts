import { requireWrite } from "#lib/auth/access.ts";
import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubAuthCheckToWrite } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubAuthCheckToWrite, async ({ actor, names }) => {
  await requireWrite(actor, names);
  return Response.json({ success: true });
});

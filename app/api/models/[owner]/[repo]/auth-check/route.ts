import { requireRead } from "#lib/auth/access.ts";
import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubAuthCheck } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubAuthCheck, async ({ actor, names }) => {
  await requireRead(actor, names);
  return Response.json({ success: true });
});

import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubWhoAmI } from "#lib/hub/reading-doors.ts";
import { whoAmI } from "#lib/hub/who-am-i.ts";

export const GET = hubRoute(hubWhoAmI, async ({ actor }) => Response.json(await whoAmI(actor)));

import { answerRaw } from "#lib/hub/raw.ts";
import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubRaw } from "#lib/hub/reading-doors.ts";

const raw = hubRoute(hubRaw, answerRaw);

export { raw as GET, raw as HEAD };

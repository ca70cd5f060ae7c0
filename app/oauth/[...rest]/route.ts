import { notHere } from "#lib/hub/not-here.ts";
import { hubOauth } from "#lib/hub/reading-doors.ts";

const answer = notHere(hubOauth);

export { answer as DELETE, answer as GET, answer as HEAD, answer as PATCH, answer as POST, answer as PUT };

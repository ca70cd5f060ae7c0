import { answerCommits } from "#lib/hub/history.ts";
import { hubRoute } from "#lib/hub/hub-route.ts";
import { hubCommits } from "#lib/hub/reading-doors.ts";

export const GET = hubRoute(hubCommits, answerCommits);

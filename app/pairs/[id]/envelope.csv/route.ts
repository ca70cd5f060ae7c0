import { actorOf } from "#lib/auth/actor-of.ts";
import { getEnvelope } from "#lib/catalog/pairs/study-service.ts";
import { trialRows } from "#lib/catalog/reports/values.ts";
import { csvFile } from "#lib/http/csv-file.ts";
import { getPairTrials } from "#lib/http/doors.ts";
import { answerAt } from "#lib/http/route.ts";
import { csvLine } from "#lib/util/csv.ts";
import { requireId } from "../../../_page/require-id.ts";

/** What each prompt gave at each setting that was tried, for whoever wants to count again. */
export const GET = answerAt(getPairTrials, async (request, params) => {
  const id = requireId(params["id"], "measurement");
  const answer = await getEnvelope(await actorOf(request.headers), id, true);
  return csvFile(`envelope-${id}`, [...trialRows(answer)].map(csvLine).join(""));
});

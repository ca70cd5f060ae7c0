import { actorOf } from "#lib/auth/actor-of.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { valueRows } from "#lib/catalog/reports/values.ts";
import { csvFile } from "#lib/http/csv-file.ts";
import { getPairValues } from "#lib/http/doors.ts";
import { answerAt } from "#lib/http/route.ts";
import { csvLine } from "#lib/util/csv.ts";
import { requireId } from "../../../_page/require-id.ts";

/** What each prompt gave, for whoever wants to count again. */
export const GET = answerAt(getPairValues, async (request, params) => {
  const id = requireId(params["id"], "measurement");
  const pair = await getPair(await actorOf(request.headers), id, true);
  return csvFile(`values-${id}`, [...valueRows(pair)].map(csvLine).join(""));
});

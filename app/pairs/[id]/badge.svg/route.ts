import { actorOf } from "#lib/auth/actor-of.ts";
import { getPairItem } from "#lib/catalog/pairs/views.ts";
import { AppError } from "#lib/errors.ts";
import { getPairBadge } from "#lib/http/doors.ts";
import { answerAt } from "#lib/http/route.ts";
import { requireId } from "../../../_page/require-id.ts";
import { type Standing, standingOf, wordOf } from "../../../_ui/verdict.tsx";
import { badge } from "./badge.ts";

/** Each reads well under white letters (4.5 to 1). */
const colours: Partial<Record<Standing, string>> = {
  verified: "#1a7f37",
  usableWithLimits: "#8a6100",
  incompatible: "#b42318",
};
const GREY = "#666";

/** What was found of a pair, for a README; it says when the evidence is stale. */
export const GET = answerAt(getPairBadge, async (request, params) => {
  const pair = await getPairItem(await actorOf(request.headers), requireId(params["id"], "measurement"));
  if (!pair) throw new AppError("not_found", "There is no measurement of that id that you may see; check the id.");
  const standing = standingOf(pair);
  const [guide, model] = [pair.guide.repo, pair.finetune.repo].map((name) => name.split("/")[1]!);
  const svg = badge(`${guide} on ${model}`, `${wordOf(standing)}${pair.stale ? ", stale" : ""}`, colours[standing] ?? GREY);
  return new Response(svg, {
    // To be asked for each time, since a verdict goes stale; nothing in it runs, wherever it is opened.
    headers: {
      "Content-Type": "image/svg+xml",
      "Cache-Control": "private, no-cache",
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    },
  });
});

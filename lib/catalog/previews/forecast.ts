import { requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { nextPosition } from "#lib/queue/position.ts";
import { laneOf, workOf } from "./ask.ts";
import { estimateFor } from "./estimate.ts";
import { type Forecast, type ForecastQuery, passesFor } from "./schema.ts";

/** How long a preview would take if it were asked for now: what is ahead of it, and its own passes. @throws repo_not_found, revision_not_found */
export async function forecastPreview(
  actor: Actor,
  { finetune, revision, guide, ...asked }: ForecastQuery,
): Promise<Forecast> {
  const repo = await requireRead(actor, toRepoName(finetune));
  const { commitId } = await resolveRevision(repo, revision);
  const { width = null, height = null } = asked;
  const drawing = { asked: { ...asked, width, height }, guide: guide === undefined ? null : { guide } };
  const userId = actor.kind === "person" ? actor.userId : null;
  const position = await nextPosition({
    kind: "preview",
    priority: "person",
    userId,
    lane: laneOf(drawing),
    work: workOf(drawing),
  });
  const { ahead, running, workers } = position;
  return { ...(await estimateFor(commitId, drawing, position)), passes: passesFor(drawing), ahead, running, workers };
}

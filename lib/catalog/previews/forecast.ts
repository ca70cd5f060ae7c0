import { requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { needToDraw } from "#lib/catalog/models/needs.ts";
import { partsOf, runnableModel } from "#lib/catalog/models/service.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { nextPosition } from "#lib/queue/position.ts";
import { type Need, requireWorkerFor } from "#lib/queue/room.ts";
import { laneOf, workOf } from "./ask.ts";
import { estimateFor } from "./estimate.ts";
import { type Forecast, type ForecastQuery, passesFor } from "./schema.ts";
import { requireSettings } from "./settings.ts";

/** How long a preview would take if it were asked for now: what is ahead of it, and its own passes. @throws repo_not_found, revision_not_found, bad_request */
export async function forecastPreview(
  actor: Actor,
  { finetune, revision, guide, ...asked }: ForecastQuery,
): Promise<Forecast> {
  const repo = await requireRead(actor, toRepoName(finetune));
  const { commitId } = await resolveRevision(repo, revision);
  const { width = null, height = null } = asked;
  requireSettings({ ...asked, guide: guide ?? null, negativePrompt: null, width, height });
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
  const refusal = await tooLarge(await needOf(actor, commitId, guide, drawing.asked));
  const estimate = refusal === null ? await estimateFor(commitId, drawing, position) : { seconds: null, why: refusal };
  return { ...estimate, passes: passesFor(drawing), ahead, running, workers };
}

/** What whoever asks for it would be told; null where a worker could hold it. */
const tooLarge = (need: Need | null): Promise<string | null> =>
  requireWorkerFor(need).then(
    () => null,
    (cause: unknown) => {
      if (cause instanceof AppError && cause.code === "too_little_memory") return cause.message;
      throw cause;
    },
  );

/** Null where it is not known, or would tell of what this person may not see: asking for the preview says why. */
async function needOf(
  actor: Actor,
  commitId: string,
  guide: string | undefined,
  size: { readonly width: number | null; readonly height: number | null },
): Promise<Need | null> {
  try {
    const { base, lowRank } = await runnableModel(commitId);
    if (!(await readableCommits(actor, [base.commitId])).has(base.commitId)) return null;
    const guideRepo = guide === undefined ? null : await requireRead(actor, toRepoName(guide));
    const guideCommit = guideRepo && (await resolveRevision(guideRepo, "HEAD")).commitId;
    const adapters = lowRank.map((one) => one.commitId);
    const parts = await partsOf(base.commitId, guideCommit, adapters, database());
    return parts && needToDraw(parts, size);
  } catch (cause) {
    if (cause instanceof AppError) return null;
    throw cause;
  }
}

import { z } from "zod";
import { requirePerson, seesAll } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { cancelStudy, studyAgain } from "#lib/catalog/pairs/study-service.ts";
import { cancelDistillation, resumeDistillation } from "#lib/catalog/distillations/service.ts";
import { inspectRepoAgain } from "#lib/catalog/inspections/service.ts";
import { cancelPair, checkAgain } from "#lib/catalog/pairs/service.ts";
import { cancelPreview, rerunPreview } from "#lib/catalog/previews/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { abortUpload } from "#lib/catalog/uploads/service.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, placeTime, toCursor } from "#lib/page.ts";
import type { JobKind } from "#lib/queue/jobs.ts";
import { placesOf, queuePosition } from "#lib/queue/position.ts";
import { type ShownEvent, timelineOf } from "#lib/queue/timeline.ts";
import { liveWorkers } from "#lib/queue/workers.ts";
import { countJobs, type JobRow, selectJobs } from "./repository.ts";
import type { JobItem, JobList, JobQuery, JobTimeline, WorkerList } from "./schema.ts";

const place = z.tuple([placeTime, z.uuid()]);

/** What is being done, was done and waits, as far as the actor may see it: their own uploads and previews, and the evidence of repos. */
export async function listJobs(actor: Actor, { state, kind, mine, cursor, limit }: JobQuery): Promise<JobList> {
  const after = cursor === undefined ? null : parseCursor(cursor, place);
  const selection = {
    ...(state && { state }),
    ...(kind && { kind }),
    ...(mine && { userId: requirePerson(actor, "read").userId }),
    ...(after && { after: [new Date(after[0]), after[1]] as const }),
  };
  const { rows, next } = await selectJobs(actor, selection, limit);
  const places = await placesOf(rows.filter(({ state: now }) => now === "queued"));
  return {
    items: rows.map((row) => toItem(row, places.get(row.id) ?? null)),
    next: next && toCursor([next[0].toISOString(), next[1]]),
  };
}

/** How many there are in each state, of one kind or of all. */
export async function jobCounts(
  actor: Actor,
  { kind, mine }: Pick<JobQuery, "kind" | "mine">,
): Promise<Record<JobItem["state"], number>> {
  const rows = await countJobs(actor, {
    ...(kind && { kind }),
    ...(mine && { userId: requirePerson(actor, "read").userId }),
  });
  const of = (state: JobItem["state"]): number => rows.find((row) => row.state === state)?.count ?? 0;
  return {
    queued: of("queued"),
    running: of("running"),
    succeeded: of("succeeded"),
    failed: of("failed"),
    cancelled: of("cancelled"),
  };
}

/** Where a job is, and all that happened to it. @throws not_found, also where it is there and may not be seen */
export async function getJobTimeline(actor: Actor, subjectId: string): Promise<JobTimeline> {
  const row = await requireJob(actor, subjectId);
  const [position, events] = await Promise.all([
    row.state === "queued" ? queuePosition(row.kind, subjectId) : null,
    timelineOf(subjectId),
  ]);
  return {
    ...toItem(row, position && position.ahead),
    position,
    events: events.map((event) => ({
      kind: event.kind,
      attempt: event.attempt,
      message: saidOf(actor, event),
      at: event.at.toISOString(),
    })),
  };
}

/** Which machine it was is for whoever runs the hub. */
const saidOf = (actor: Actor, { kind, message, host }: ShownEvent): string =>
  kind !== "started" ? message : host !== null && seesAll(actor) ? `Begun on ${host}.` : "A worker has begun.";

const cancels: Readonly<Record<JobKind, ((actor: Actor, id: string) => Promise<unknown>) | null>> = {
  hash: abortUpload,
  inspect: null,
  check: cancelPair,
  preview: cancelPreview,
  curve: cancelStudy,
  envelope: cancelStudy,
  distill: cancelDistillation,
};

/** As its own kind says who may. @throws not_found, forbidden, already_ended; bad_request for what everything else waits for */
export async function cancelSubject(actor: Actor, subjectId: string): Promise<JobTimeline> {
  const { kind } = await requireJob(actor, subjectId);
  const cancel = cancels[kind];
  if (!cancel)
    throw new AppError(
      "bad_request",
      "An inspection cannot be cancelled, for nothing can be said of a commit without it; it takes seconds.",
      { kind },
    );
  await cancel(actor, subjectId);
  return getJobTimeline(actor, subjectId);
}

/**
 * The same once more, as its own kind does it. @returns the id of what is now waiting: its own, or that of a new preview
 * @throws not_found, forbidden, queue_full; bad_request for an upload, which is sent again instead
 */
export async function rerunSubject(actor: Actor, subjectId: string): Promise<string> {
  const { kind, repo } = await requireJob(actor, subjectId);
  switch (kind) {
    case "check":
      return (await checkAgain(actor, subjectId)).id;
    case "curve":
    case "envelope":
      await studyAgain(actor, subjectId);
      return subjectId;
    case "preview":
      return (await rerunPreview(actor, subjectId, {})).id;
    case "distill":
      return (await resumeDistillation(actor, subjectId)).id;
    case "inspect":
      await inspectRepoAgain(actor, toRepoName(repo));
      return subjectId;
    case "hash":
      throw new AppError("bad_request", "The bytes of an upload that failed are gone; send the file again.", { kind });
  }
}

/** Which models a worker holds open is nobody's business: their keys are made of the weights of private models, too. */
export async function listWorkers(actor: Actor): Promise<WorkerList> {
  const isTold = seesAll(actor);
  return {
    items: (await liveWorkers()).map(({ id, version, runtime, startedAt, seenAt, host, memory }, index) => ({
      id,
      version,
      runtime,
      name: `worker ${index + 1}`,
      host: isTold ? host : null,
      memory: isTold ? memory : null,
      startedAt: startedAt.toISOString(),
      seenAt: seenAt.toISOString(),
    })),
  };
}

async function requireJob(actor: Actor, subjectId: string): Promise<JobRow> {
  const {
    rows: [row],
  } = await selectJobs(actor, { subjectId }, 1);
  if (!row)
    throw new AppError(
      "not_found",
      "There is no job for this that you may see; check its id, or sign in if it is yours.",
    );
  return row;
}

const toItem = ({ id: _id, createdAt, ...row }: JobRow, ahead: number | null): JobItem => ({
  ...row,
  ahead,
  createdAt: createdAt.toISOString(),
});

import { z } from "zod";
import { requirePerson } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, placeTime, toPageOfLooked } from "#lib/page.ts";
import type { Feed } from "#lib/queue/feed.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import {
  type DistillationRow,
  lookAtDistillations,
  looksOf,
  lossesOf,
  metricsOf,
  newestOfRepo,
  sampleAt,
  type SampleRow,
  samplesOf,
  seenDistillation,
} from "./repository.ts";
import {
  type DistillationItem,
  type DistillationList,
  distillationProgress,
  type DistillationQuery,
  type DistillationView,
  MOST_STEPS,
  type SampleView,
  storedPlan,
  storedRecord,
} from "./schema.ts";

/** @throws not_found, also where it is there and may not be seen */
export async function requireSeen(actor: Actor, id: string): Promise<DistillationRow> {
  const row = await seenDistillation(actor, id);
  if (!row)
    throw new AppError(
      "not_found",
      "There is no distillation of that id that you may see; its guide or its base may have been removed, or sign in if they are private.",
    );
  return row;
}

/** Of one curve. */
const POINTS = 200;

/** All of it as it is now. @throws not_found */
export async function getDistillation(actor: Actor, id: string): Promise<DistillationView> {
  const row = await requireSeen(actor, id);
  const { asked, plan, record, state } = row;
  const [position, progress, losses, looks, samples] = await Promise.all([
    state === "queued" ? queuePosition("distill", id) : null,
    state === "running" ? progressOf("distill", [id]) : null,
    lossesOf(id, Math.max(1, Math.ceil(asked.choice.steps / POINTS))),
    looksOf(id),
    samplesOf(id),
  ]);
  const { ahead = 0, running = 0, workers = 0, problem = null } = position ?? {};
  return {
    ...toItem(row),
    promptCount: asked.prompts && asked.prompts.length,
    queue: position && { ahead, running, workers, problem },
    progress: distillationProgress.safeParse(progress?.get(id)).data ?? null,
    plan: storedPlan.safeParse(plan).data ?? null,
    losses,
    looks: looks.map((look, i) => (i === looks.length - 1 ? look : { ...look, strength: [] })),
    samples: samples.map((sample) => toSample(id, sample)),
    record: storedRecord.safeParse(record).data ?? null,
  };
}

/** From the slash on. */
const toSample = (
  id: string,
  { sha256: _sha256, size: _size, storageKey: _key, ...sample }: SampleRow,
): SampleView => ({
  ...sample,
  url: `/api/v1/distillations/${id}/samples/${sample.step}-${sample.position}-${sample.mode}`,
});

/** @throws not_found, also before it is drawn */
export async function findSample(actor: Actor, id: string, name: string): Promise<SampleRow> {
  await requireSeen(actor, id);
  const [step, position, mode] = name.split("-") as [string, string, SampleRow["mode"]];
  const sample = await sampleAt(id, { step: Number(step), position: Number(position), mode });
  if (!sample)
    throw new AppError("not_found", `The picture ${name} has not been drawn; look at which there are first.`);
  return sample;
}

const toItem = (row: DistillationRow): DistillationItem => ({
  id: row.id,
  state: row.pausedAt === null ? row.state : "paused",
  problem: row.problem,
  base: row.base === null || row.baseCommitId === null ? null : { repo: row.base, commit: row.baseCommitId },
  guide: { repo: row.guide, commit: row.resultCommitId },
  choice: row.asked.choice,
  keptSteps: row.keptSteps,
  isMine: row.isMine,
  mayChange: row.mayChange,
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt && row.finishedAt.toISOString(),
});

/** Of a guide's repo: how what is in it came to be, or will. Null where it was not made here, or the actor may not see how. */
export const distillationIn = newestOfRepo;

const place = z.tuple([placeTime, z.uuid()]);

/** For a page, those that may not be seen too: then it ends, however few are on it, and the next one goes on there. */
const MOST_LOOKED_AT = 200;

/** Newest first, as far as the actor may see them. @throws unauthenticated */
export async function listDistillations(
  actor: Actor,
  { mine, cursor, limit }: DistillationQuery,
): Promise<DistillationList> {
  if (mine) requirePerson(actor, "read");
  const at = cursor === undefined ? null : parseCursor(cursor, place);
  const looked = await lookAtDistillations(actor, at && [new Date(at[0]), at[1]], MOST_LOOKED_AT);
  const rows = looked.map((row) => ({ ...row, isShown: row.isShown && (!mine || row.isMine) }));
  const { items, next } = toPageOfLooked(rows, limit, MOST_LOOKED_AT, (last) => [
    last.createdAt.toISOString(),
    last.id,
  ]);
  return { items: items.map(toItem), next };
}

/** Every step, and what was held out where it was looked at. @throws not_found */
export async function distillationMetrics(
  actor: Actor,
  id: string,
): Promise<{
  readonly name: string;
  readonly losses: Awaited<ReturnType<typeof metricsOf>>;
  readonly looks: Awaited<ReturnType<typeof looksOf>>;
}> {
  const { guide } = await requireSeen(actor, id);
  const [losses, looks] = await Promise.all([metricsOf(id, "loss", MOST_STEPS), looksOf(id)]);
  return { name: guide.split("/")[1]!, losses, looks };
}

/**
 * How a distillation moves, for whoever looks on:
 *
 *   state      all of it: at once, and whenever more than its progress has moved
 *   progress   how far it is
 *   end        its last state; nothing comes after it
 */
export const distillationFeed = (actor: Actor, id: string): Feed<DistillationView> => ({
  id,
  read: () => getDistillation(actor, id),
  changes(before, now) {
    const end = hasEnded(now) ? [{ name: "end", data: { state: now.state, problem: now.problem } }] : [];
    if (before === null || differ(withoutProgress(before), withoutProgress(now)))
      return [{ name: "state", data: now }, ...end];
    return now.progress && differ(before.progress, now.progress) ? [{ name: "progress", data: now.progress }] : [];
  },
  hasEnded,
});

const hasEnded = ({ state }: Pick<DistillationView, "state">): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled";
const withoutProgress = ({ progress: _progress, ...rest }: DistillationView): object => rest;
const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);

import { isVisible, isWritable, type ReadableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { maySeeDistillation } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { storedAsked, type StoredAsked, storedLook, type StoredLook } from "./schema.ts";

export interface DistillationRow {
  readonly id: string;
  readonly repoId: string;
  readonly userId: string | null;
  readonly state: JobState;
  readonly pausedAt: Date | null;
  readonly problem: string | null;
  readonly asked: StoredAsked;
  readonly plan: unknown;
  readonly record: unknown;
  readonly keptSteps: number | null;
  /** “owner/repo”; null where whoever looks may not see it, or it is gone. */
  readonly base: string | null;
  readonly baseCommitId: string | null;
  readonly guide: string;
  readonly resultCommitId: string | null;
  readonly isMine: boolean;
  readonly mayChange: boolean;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface DistillationToAdd {
  readonly id: string;
  readonly repoId: string;
  readonly userId: string;
  readonly baseCommitId: string;
  readonly asked: StoredAsked;
  /** In 10¹² multiply–accumulates. */
  readonly work: number;
}

export async function insertDistillation(transaction: Transaction, row: DistillationToAdd): Promise<void> {
  await transaction.distillation.create({ data: row, select: { id: true } });
}

/** Whoever goes on with it does so in their own name, and within their own limits. */
export async function setAsker(transaction: Transaction, id: string, userId: string): Promise<void> {
  await transaction.distillation.update({ where: { id }, data: { userId }, select: { id: true } });
}

const nameOf = (alias: string): Prisma.Sql =>
  Prisma.raw(`(SELECT n.name FROM namespace n WHERE n.id = ${alias}.namespace_id) || '/' || ${alias}.name`);

/** Operators may change what others asked for; that makes it no more theirs. */
const isAskedBy = (actor: Actor): Prisma.Sql =>
  actor.kind === "person" ? Prisma.sql`coalesce(d.user_id = ${actor.userId}, FALSE)` : Prisma.sql`FALSE`;

const columnsFor = (actor: Actor): Prisma.Sql => Prisma.sql`
  d.id, d.repo_id AS "repoId", d.user_id AS "userId", d.state::text, d.paused_at AS "pausedAt", d.problem, d.asked, d.plan, d.record, d.kept_steps AS "keptSteps",
  CASE WHEN ${isVisible(actor, "b")} THEN ${nameOf("b")} END AS base, d.base_commit_id AS "baseCommitId", ${nameOf("r")} AS guide,
  d.result_commit_id AS "resultCommitId", ${isAskedBy(actor)} AS "isMine", (${isWritable(actor, "r")}) AS "mayChange",
  d.created_at AS "createdAt", d.finished_at AS "finishedAt"`;

const from = Prisma.sql`FROM distillation d JOIN repo r ON r.id = d.repo_id LEFT JOIN commit bc ON bc.id = d.base_commit_id LEFT JOIN repo b ON b.id = bc.repo_id`;

const toRow = (row: DistillationRow): DistillationRow => ({ ...row, asked: storedAsked.parse(row.asked) });

export async function seenDistillation(actor: Actor, id: string): Promise<DistillationRow | null> {
  const [row] = await database().$queryRaw<DistillationRow[]>`
    SELECT ${columnsFor(actor)} ${from} WHERE d.id = ${id}::uuid AND ${maySeeDistillation(actor, "d")} LIMIT 1`;
  return row ? toRow(row) : null;
}

/** The newest of a guide's repo that the actor may see. */
export async function newestOfRepo(
  actor: Actor,
  repoId: string,
): Promise<Pick<DistillationRow, "id" | "state"> | null> {
  const [row] = await database().$queryRaw<Pick<DistillationRow, "id" | "state">[]>`
    SELECT d.id, d.state::text FROM distillation d WHERE d.repo_id = ${repoId}::uuid AND ${maySeeDistillation(actor, "d")}
    ORDER BY d.created_at DESC LIMIT 1`;
  return row ?? null;
}

export type ListedDistillation = DistillationRow & { readonly isShown: boolean };

/** The next `most`, newest first; of each whether it is one that the actor may see. */
export async function lookAtDistillations(
  actor: Actor,
  after: readonly [createdAt: Date, id: string] | null,
  most: number,
): Promise<ListedDistillation[]> {
  const behind = after === null ? Prisma.sql`TRUE` : Prisma.sql`(created_at, id) < (${after[0]}, ${after[1]}::uuid)`;
  const rows = await database().$queryRaw<ListedDistillation[]>`
    SELECT ${columnsFor(actor)}, ${maySeeDistillation(actor, "d")} AS "isShown"
    FROM (SELECT * FROM distillation WHERE ${behind} ORDER BY created_at DESC, id DESC LIMIT ${most}) d
      JOIN repo r ON r.id = d.repo_id LEFT JOIN commit bc ON bc.id = d.base_commit_id LEFT JOIN repo b ON b.id = bc.repo_id
    ORDER BY d.created_at DESC, d.id DESC`;
  return rows.map((row) => ({ ...toRow(row), isShown: row.isShown }));
}

/** Means of so many steps each, in their order. */
export const lossesOf = (id: string, each: number): Promise<{ step: number; loss: number }[]> => database().$queryRaw`
  SELECT max(step)::int AS step, avg(value)::float8 AS loss FROM distillation_metric
  WHERE distillation_id = ${id}::uuid AND name = 'loss' GROUP BY (step - 1) / ${each} ORDER BY 1 LIMIT 1000`;

/** Every one, in its order. */
export async function metricsOf(id: string, name: string, limit: number): Promise<{ step: number; value: number }[]> {
  return database().distillationMetric.findMany({
    where: { distillationId: id, name },
    orderBy: { step: "asc" },
    take: limit,
    select: { step: true, value: true },
  });
}

const MOST_LOOKS = 1000;

export async function looksOf(id: string): Promise<StoredLook[]> {
  const rows = await database().distillationLook.findMany({
    where: { distillationId: id },
    orderBy: { step: "asc" },
    take: MOST_LOOKS,
    select: { found: true },
  });
  return rows.flatMap(({ found }) => storedLook.safeParse(found).data ?? []);
}

export interface SampleRow {
  readonly step: number;
  readonly position: number;
  readonly mode: "guide" | "cfg";
  readonly prompt: string;
  readonly width: number;
  readonly height: number;
  readonly storageKey: string;
  readonly sha256: string;
  readonly size: number;
}

const sampleColumns = {
  step: true,
  position: true,
  mode: true,
  prompt: true,
  width: true,
  height: true,
  storageKey: true,
  sha256: true,
  size: true,
} as const;

/** In the order in which they were drawn, CFG's first. */
export const samplesOf = (id: string): Promise<SampleRow[]> =>
  database().distillationSample.findMany({
    where: { distillationId: id },
    orderBy: [{ step: "asc" }, { position: "asc" }],
    take: MOST_LOOKS,
    select: sampleColumns,
  }) as Promise<SampleRow[]>;

export const sampleAt = (id: string, place: Pick<SampleRow, "step" | "position" | "mode">): Promise<SampleRow | null> =>
  database().distillationSample.findFirst({
    where: { distillationId: id, ...place },
    select: sampleColumns,
  }) as Promise<SampleRow | null>;

/** @returns false where the same picture is there, from an earlier attempt */
export async function insertSample(transaction: Transaction, id: string, sample: SampleRow): Promise<boolean> {
  const data = { distillationId: id, ...sample };
  return (await transaction.distillationSample.createMany({ data, skipDuplicates: true })).count === 1;
}

const RECENT = 20;

/** Seconds that 10¹² multiply–accumulates took, the middle one of the last that were done. Null before the first. */
export async function secondsOfWork(): Promise<number | null> {
  const [row] = await database().$queryRaw<{ rate: number | null }[]>`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) AS rate FROM (
      SELECT seconds / work AS rate FROM distillation WHERE seconds IS NOT NULL ORDER BY finished_at DESC LIMIT ${RECENT}) lately`;
  return row?.rate ?? null;
}

export async function markPaused(transaction: Transaction, id: string): Promise<void> {
  await transaction.distillation.update({ where: { id }, data: { pausedAt: new Date() }, select: { id: true } });
}

/** Its checkpoint is gone. What was seen of it stays. */
export async function forgetKept(transaction: Transaction, id: string): Promise<void> {
  const data = { keptSteps: null, pausedAt: null };
  await transaction.distillation.update({ where: { id }, data, select: { id: true } });
}

/** It begins anew. */
export async function forgetSteps(transaction: Transaction, id: string): Promise<void> {
  await transaction.distillationMetric.deleteMany({ where: { distillationId: id } });
  await transaction.distillationLook.deleteMany({ where: { distillationId: id } });
  await transaction.distillationSample.deleteMany({ where: { distillationId: id } });
}

// The worker's side: written by who holds the attempt.

export interface AskedRow {
  readonly asked: StoredAsked;
  readonly repoId: string;
  readonly userId: string | null;
  readonly baseCommitId: string | null;
}

export async function askedOf(id: string): Promise<AskedRow | null> {
  const row = await database().distillation.findUnique({
    where: { id },
    select: { asked: true, repoId: true, userId: true, baseCommitId: true },
  });
  return row && { ...row, asked: storedAsked.parse(row.asked) };
}

/** The repo that a commit is of; null where that repo is gone. */
export async function repoOf(commitId: string): Promise<Pick<ReadableRepo, "name" | "visibility"> | null> {
  const row = await database().commit.findFirst({
    where: { id: commitId, repo: { deletedAt: null } },
    select: { repo: { select: { name: true, visibility: true } } },
  });
  return row?.repo ?? null;
}

/** Whether the repo of its guide is still there. */
export async function hasRepo(transaction: Transaction, id: string): Promise<boolean> {
  return (await transaction.distillation.count({ where: { id, repo: { deletedAt: null } } })) > 0;
}

export interface Loss {
  readonly step: number;
  readonly loss: number;
}

/** A step that is made again has the very same numbers, so what is there stays. */
export async function insertMetrics(
  transaction: Transaction,
  id: string,
  losses: readonly Loss[],
  looks: readonly StoredLook[],
): Promise<void> {
  await transaction.distillationMetric.createMany({
    data: losses.map(({ step, loss }) => ({ distillationId: id, name: "loss", step, value: loss })),
    skipDuplicates: true,
  });
  await transaction.distillationLook.createMany({
    data: looks.map((found) => ({ distillationId: id, step: found.step, found })),
    skipDuplicates: true,
  });
}

export async function writePlan(transaction: Transaction, id: string, plan: Prisma.InputJsonValue): Promise<void> {
  await transaction.distillation.update({ where: { id }, data: { plan }, select: { id: true } });
}

export async function writeKept(id: string, keptSteps: number): Promise<void> {
  await database().distillation.updateMany({ where: { id }, data: { keptSteps } });
}

export interface Made {
  readonly resultCommitId: string;
  readonly record: Prisma.InputJsonValue;
  readonly seconds: number;
}

export async function writeMade(transaction: Transaction, id: string, made: Made): Promise<void> {
  await transaction.distillation.update({ where: { id }, data: made, select: { id: true } });
}

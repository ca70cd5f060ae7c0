import { z } from "zod";
import type { JobKind, JobLane, JobResource } from "#lib/db/generated/client.ts";

/**
 * What workers do. A job says what kind of work is to be done to which subject; what exactly, and what came of it, is in the subject's
 * own row, which is also what a page shows.
 *
 *   hash      upload       reads every byte that came, and says what they are
 *   inspect   inspection   says what a commit is, and which base it was made from
 *   check     pair         measures a guide on a fine-tune
 *   preview   preview      draws the three pictures of one seed
 *   curve     study        measures what else could be done with a guide's passes
 *   envelope  study        finds where a guide is at its best
 *   distill   distillation makes a guide of a base
 */
export const jobKinds = [
  "hash",
  "inspect",
  "check",
  "preview",
  "curve",
  "envelope",
  "distill",
] as const satisfies readonly JobKind[];
export type { JobKind, JobLane, JobResource };

/** In the place of a person: what the hub does of itself. */
export const HUB_GROUP = "hub";

/** What a job can be about. */
export type JobSubject = "upload" | "inspection" | "pair" | "preview" | "study" | "distillation";

export const subjectOf = {
  hash: "upload",
  inspect: "inspection",
  check: "pair",
  preview: "preview",
  curve: "study",
  envelope: "study",
  distill: "distillation",
} as const satisfies Record<JobKind, JobSubject>;

/** What a job needs. Reading files never waits for a network to finish. Each is a queue of pg-boss. */
export const resources = ["files", "compute"] as const satisfies readonly JobResource[];

export const resourceOf = {
  hash: "files",
  inspect: "files",
  check: "compute",
  preview: "compute",
  curve: "compute",
  envelope: "compute",
  distill: "compute",
} as const satisfies Record<JobKind, JobResource>;

/** How long a kind of job takes, where whoever asks for it says nothing else. A curve takes as long as seven looks, and makes room for all else. */
export const usualLane = {
  hash: "seconds",
  inspect: "seconds",
  check: "minutes",
  preview: "seconds",
  curve: "hours",
  envelope: "minutes",
  distill: "hours",
} as const satisfies Record<JobKind, JobLane>;

/** The shorter, the higher: work of a longer lane makes room for that of a shorter one. */
export const lanes = ["seconds", "minutes", "hours"] as const satisfies readonly JobLane[];
export const isShorter = (one: JobLane, other: JobLane): boolean => lanes.indexOf(one) < lanes.indexOf(other);

/** Higher goes first, of the jobs of one person. The pictures of a pair that was measured come before the next pair of a batch is. */
export const priorities = { person: 100, upload: 50, sheet: 10, batch: 0 } as const;
export type Priority = keyof typeof priorities;

/** From here on somebody waits; below, work is done where there is room, and now and then before others. */
export const AWAITED = priorities.upload;

/** How many jobs of one person that run networks may wait, by priority; of what they wait for themselves their quota says it. What reads files is never refused: its bytes have come already. */
export const ownLimits: Readonly<Record<Exclude<Priority, "person">, number>> = {
  upload: 200,
  sheet: 1000,
  batch: 1000,
};

/** How many that run networks may wait of everybody together: the names of a flood are cheap. */
export const WAITING_LIMIT = 20_000;

const HOUR = 3600;

/**
 * How long a job may work, in seconds, before it fails with `deadline_passed`, unless its lane is that of hours. The time in which it made
 * room does not count.
 */
export const deadlines: Readonly<Record<JobKind, number>> = {
  hash: HOUR, // 100 GB at 30 MB/s
  inspect: 600,
  check: HOUR,
  preview: 900,
  curve: 2 * HOUR,
  envelope: 2 * HOUR,
  distill: 24 * HOUR,
};

/** The longest that pg-boss lets a worker hold a job that says that it is alive: a day, after which one of hours goes on from its checkpoint. */
export const LONGEST_LEASE_SECONDS = 24 * HOUR;

/** How often a job is given out again after its worker was lost. A job that fails by itself is not tried again: it would fail again. */
export const MAX_LOSSES = 3;

export const jobPayload = z.strictObject({ kind: z.enum(jobKinds), subjectId: z.uuid() });
export type JobPayload = z.infer<typeof jobPayload>;

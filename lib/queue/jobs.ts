import { z } from "zod";

/**
 * What workers do. A job carries no data but the id of its row: what is to be done, how far it is and what came of it is in the
 * row, which is also what a page shows.
 *
 *   hash      upload       reads every byte that came, and says what they are
 *   inspect   inspection   says what a commit is, and which base it was made from
 *   check     pair         measures a guide on a fine-tune
 *   preview   preview      draws the three pictures of one seed
 */
export const jobKinds = ["hash", "inspect", "check", "preview"] as const;
export type JobKind = (typeof jobKinds)[number];

/** What a job can be about. */
export type JobSubject = "upload" | "inspection" | "pair" | "preview";

export const subjectOf = {
  hash: "upload",
  inspect: "inspection",
  check: "pair",
  preview: "preview",
} as const satisfies Record<JobKind, JobSubject>;

/** Two queues, so that reading files never waits for a network to finish. */
export const queues = { files: ["hash", "inspect"], compute: ["check", "preview"] } as const satisfies Record<
  string,
  readonly JobKind[]
>;
export type QueueName = keyof typeof queues;
export const queueNames = Object.keys(queues) as QueueName[];

export const queueOf = (kind: JobKind): QueueName =>
  queueNames.find((name) => queues[name].some((each) => each === kind))!;

/** Higher goes first. The pictures of a pair that was measured come before the next pair of a batch is. */
export const priorities = { person: 100, upload: 50, sheet: 10, batch: 0 } as const;
export type Priority = keyof typeof priorities;

/**
 * The places of a worker, by the least priority that each takes. A batch fills one place only, so that who uploads and who waits
 * before a preview find one free; its processes run niced, so that it costs them little.
 */
export const places: Readonly<Record<QueueName, readonly Priority[]>> = {
  files: ["batch", "batch"],
  compute: ["batch", "upload", "person"],
};

/** How many jobs of one queue and priority may wait. An upload is refused last: its bytes have come already. */
export const waitingLimits: Readonly<Record<Priority, number>> = {
  person: 200,
  upload: 10_000,
  sheet: 1000,
  batch: 1000,
};

/** How many jobs that a person waits for may wait for the same person. */
export const OWN_WAITING_LIMIT = 8;

/** How long a job may take, in seconds, before its child is killed and it fails with `deadline_passed`. */
export const deadlines: Readonly<Record<JobKind, number>> = {
  hash: 3600, // 100 GB at 30 MB/s
  inspect: 600,
  check: 3600,
  preview: 900,
};

/** How often a job is given out again after its worker was lost. A job that fails by itself is not tried again: it would fail again. */
export const MAX_LOSSES = 3;

export const jobPayload = z.strictObject({ kind: z.enum(jobKinds), subjectId: z.uuid() });
export type JobPayload = z.infer<typeof jobPayload>;

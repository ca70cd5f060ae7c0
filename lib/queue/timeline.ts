import { type Database, database } from "#lib/db/client.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import { append, forgetJobEvents, lookBack } from "#lib/db/outbox.ts";
import { JOB_EVENT_DAYS, type JobEventKind } from "#lib/db/outbox-kinds.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { JobSubject } from "./jobs.ts";

/** Something that happened to a job, in words for the person who waits for it. */
export interface TimelineEvent {
  readonly subject: JobSubject;
  readonly subjectId: string;
  readonly jobId?: string;
  /** 0: before anybody took it. */
  readonly attempt: number;
  readonly kind: JobEventKind;
  readonly message: string;
  readonly detail?: Prisma.InputJsonObject;
}

export const addEvent = (
  client: Database | Transaction,
  { kind, subjectId, subject, jobId, attempt, message, detail }: TimelineEvent,
): Promise<void> =>
  append(client, {
    kind: `job.${kind}`,
    subjectId,
    detail: { subject, attempt, message, ...(jobId && { jobId }), ...(detail && { facts: detail }) },
  });

/** What of it is shown. */
export interface ShownEvent {
  readonly kind: JobEventKind;
  readonly attempt: number;
  readonly message: string;
  readonly at: Date;
  /** The machine that began; for whoever runs the hub. */
  readonly host: string | null;
}

const SHOWN = 500; // of a job that was asked for again and again

/** The timeline of a row, oldest first. */
export async function timelineOf(subjectId: string): Promise<ShownEvent[]> {
  const rows = await lookBack(database(), { kinds: "job", subjectId }, SHOWN);
  return rows.toReversed().map(({ kind, at, detail }) => ({
    kind: kind.slice("job.".length) as JobEventKind,
    attempt: detail["attempt"] as number,
    message: detail["message"] as string,
    at,
    host: ((detail["facts"] as { host?: string } | undefined) ?? {}).host ?? null,
  }));
}

const DAY_MS = 86_400_000;

export const removeOldEvents = (): Promise<number> =>
  forgetJobEvents(database(), new Date(Date.now() - JOB_EVENT_DAYS * DAY_MS));

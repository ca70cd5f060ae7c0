import { type Database } from "#lib/db/client.ts";
import type { JobEventKind, JobSubject, Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { deleteEventsBefore, eventsOf, insertEvent } from "./repository.ts";

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

export const addEvent = (client: Database | Transaction, event: TimelineEvent): Promise<void> =>
  insertEvent(client, event);

const SHOWN = 500; // of a job that was asked for again and again

/** The timeline of a row, oldest first. */
export async function timelineOf(subjectId: string) {
  return (await eventsOf(subjectId, SHOWN)).toReversed();
}

const KEPT_DAYS = 90;

export const removeOldEvents = (): Promise<number> => deleteEventsBefore(new Date(Date.now() - KEPT_DAYS * 86_400_000));

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { enqueue, type NewJob } from "#lib/queue/enqueue.ts";
import type { JobKind, Priority } from "#lib/queue/jobs.ts";

export interface StubRow {
  readonly attempt: number;
  readonly state: string;
  readonly problem: string | null;
  /** Of the worker that took it last. */
  readonly pid: number | null;
  /** How often it made room. */
  readonly paused: number;
  /** Where the last attempt of what counts went on. */
  readonly resumedAt: number | null;
}

/** Rows and jobs for workers of tests/workers/stub-worker.ts, which says what they may do. */
export async function createStubTables(): Promise<void> {
  await database()
    .$executeRaw`CREATE TABLE stub (id uuid PRIMARY KEY, does text NOT NULL, pid int, paused int NOT NULL DEFAULT 0, released boolean NOT NULL DEFAULT false, count int NOT NULL DEFAULT 0, resumed_at int)`;
  await database()
    .$executeRaw`CREATE TABLE stub_effect (nr serial, id uuid NOT NULL, attempt int NOT NULL, pid int NOT NULL)`;
}

export interface StubJob {
  readonly id: string;
  readonly kind: JobKind;
}

export function putStub(
  does: string,
  kind: JobKind = "hash",
  priority: Priority = "upload",
  more: Omit<Partial<NewJob>, "kind" | "subjectId" | "priority"> = {},
): Promise<StubJob> {
  const id = randomUUID();
  return inLockedTransaction(database(), async (transaction) => {
    await transaction.$executeRaw`INSERT INTO stub (id, does) VALUES (${id}::uuid, ${does})`;
    await enqueue(transaction, { ...more, kind, subjectId: id, priority });
    return { id, kind };
  });
}

/** pg-boss's job behind it, as it is now. */
export async function queueIdOf({ id }: StubJob): Promise<string> {
  return (await database().job.findFirstOrThrow({ where: { subjectId: id }, select: { queueId: true } })).queueId!;
}

export async function stubRow({ id }: StubJob): Promise<StubRow> {
  const rows = await database().$queryRaw<
    StubRow[]
  >`SELECT j.attempt, j.state::text, j.problem, s.pid, s.paused, s.resumed_at AS "resumedAt" FROM stub s JOIN job j ON j.subject_id = s.id WHERE s.id = ${id}::uuid`;
  return rows[0]!;
}

/** In the order they were written. */
export const effectsOf = (...jobs: readonly StubJob[]): Promise<{ id: string; attempt: number; pid: number }[]> => {
  const ids = jobs.map(({ id }) => id);
  return database().$queryRaw`SELECT id, attempt, pid FROM stub_effect WHERE id = ANY (${ids}::uuid[]) ORDER BY nr`;
};

export async function release(...jobs: readonly StubJob[]): Promise<void> {
  const ids = jobs.map(({ id }) => id);
  await database().$executeRaw`UPDATE stub SET released = true WHERE id = ANY (${ids}::uuid[])`;
}

export interface StubWorker {
  readonly process: ChildProcess;
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Its log so far. */
  log(): string;
  /** The code or signal it ended with. */
  readonly ended: Promise<number | string>;
}

/** Starts a worker process and waits until it takes jobs. */
export async function startStubWorker(variables: Readonly<Record<string, string>>): Promise<StubWorker> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../workers/stub-worker.ts", import.meta.url))], {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let log = "";
  child.stderr!.on("data", (bytes: Buffer) => (log += bytes.toString()));
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const ready = await Promise.race([once(child, "message").then(() => true), ended]);
  if (ready !== true) throw new Error(`The worker ended before it was ready (${ready}): ${log}`);
  return { process: child, pid: child.pid!, kill: (signal) => void child.kill(signal), log: () => log, ended };
}

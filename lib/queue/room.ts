import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { askQueue } from "./boss.ts";
import { type JobKind, subjectOf } from "./jobs.ts";
import { addEvent } from "./timeline.ts";

/** What a job takes of a worker's memory, worked out from the shapes of what it opens. */
export interface Need {
  readonly bytes: number;
  /** The largest part of it, like “6.1 GB of it for the UNet at 1024 × 1024 px”. */
  readonly what: string;
}

/** What the workers of the last day had for networks, the largest of them. Null where there was none, or one of whose memory nothing is known. */
async function largestOfTheDay(): Promise<number | null> {
  const [row] = await askQueue<{ most: string | null; isOpen: boolean | null }>(
    `SELECT max(memory)::text AS most, bool_or(memory IS NULL) AS "isOpen" FROM worker`, // who was not seen for a day is forgotten
    [],
  );
  return row?.most == null || row.isOpen === true ? null : Number(row.most);
}

/** @throws too_little_memory where no worker that was here in the last day could do it */
export async function requireWorkerFor(need: Need | null): Promise<void> {
  const largest = need && (await largestOfTheDay());
  if (need && largest !== null && need.bytes > largest) throw tooLittle(need, largest);
}

const tooLittle = ({ bytes, what }: Need, largest: number): AppError =>
  new AppError(
    "too_little_memory",
    `It needs about ${showBytes(bytes)} of memory, ${what}, and the largest worker that this hub had in the last day has ${showBytes(largest)}; ask for a smaller picture or a smaller model, or ask the hub's operator for a worker with more.`,
    { needs: bytes, largest },
  );

/** Why what waits is not begun by those who work now; null where one of them could. `live`: what each of them has, null where nothing limits it. */
export function whyNoWorker(need: Need | null, live: readonly (number | null)[]): string | null {
  if (need === null || live.length === 0 || live.some((memory) => memory === null || memory >= need.bytes)) return null;
  const largest = Math.max(...live.map((memory) => memory ?? 0));
  return `It needs about ${showBytes(need.bytes)} of memory, ${need.what}, and the largest worker that is online has ${showBytes(largest)}; it waits for one with more.`;
}

/** How long it waits for a worker that left in the last day is long enough: what none of them could do ends, and says so. */
export async function failHopeless(): Promise<void> {
  const largest = await largestOfTheDay();
  if (largest === null) return;
  const hopeless = await database().$queryRaw<
    { id: string; kind: JobKind; subjectId: string; bytes: bigint; what: string | null }[]
  >`
    SELECT id, kind, subject_id AS "subjectId", needs_bytes AS bytes, needs_for AS what FROM job
    WHERE state = 'queued' AND needs_bytes IS NOT NULL AND needs_bytes > ${largest} LIMIT 100`;
  for (const { id, kind, subjectId, bytes, what } of hopeless) {
    const { code, message } = tooLittle({ bytes: Number(bytes), what: what ?? "all in all" }, largest);
    await inLockedTransaction(database(), async (transaction) => {
      const count = await transaction.$executeRaw`
        UPDATE job SET state = 'failed', problem = ${message}, finished_at = now() WHERE id = ${id}::uuid AND state = 'queued'`;
      if (count === 0) return;
      log().warn({ event: "job.failed", kind, subjectId, code }, message);
      const subject = subjectOf[kind];
      await addEvent(transaction, { subject, subjectId, attempt: 0, kind: "failed", message, detail: { code } });
    });
  }
}

import { askQueue } from "./boss.ts";
import { type JobKind, places, priorities, type Priority, queueOf, type QueueName } from "./jobs.ts";
import { liveWorkers } from "./workers.ts";

/** The place of a job in its queue. */
export interface QueuePosition {
  /** Jobs that will be begun before it: of a higher priority, or of the same and older. */
  readonly ahead: number;
  /** Jobs that are being done. */
  readonly running: number;
  readonly workers: number;
  /** How long until it begins, in seconds, as far as earlier jobs tell. Null where they do not, or nobody works. */
  readonly seconds: number | null;
}

interface Row {
  readonly priority: number;
  /** Of the other jobs; null where there are none. */
  readonly kind: JobKind | null;
  readonly ahead: number;
  readonly running: number;
}

/** Null when it does not wait: it is being done, has ended, or never was. */
export async function queuePosition(kind: JobKind, jobId: string): Promise<QueuePosition | null> {
  const name = queueOf(kind);
  const rows = await askQueue<Row>(
    `SELECT me.priority, other.data->>'kind' AS kind,
       (count(*) FILTER (WHERE other.state < 'active' AND other.start_after <= now()
         AND (other.priority > me.priority OR (other.priority = me.priority AND other.created_on < me.created_on))))::int AS ahead,
       (count(*) FILTER (WHERE other.state = 'active'))::int AS running
     FROM pgboss.job me LEFT JOIN pgboss.job other ON other.name = me.name AND other.state <= 'active'
     WHERE me.name = $1 AND me.id = $2 AND me.state < 'active' GROUP BY 1, 2`,
    [name, jobId],
  );
  return rows.length === 0 ? null : toPosition(name, rows[0]!.priority, rows);
}

/** How many go before each of these jobs, in one statement; what does not wait is left out. */
export async function placesOf(jobIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (jobIds.length === 0) return new Map();
  const rows = await askQueue<{ id: string; ahead: number }>(
    `SELECT id, ahead FROM (SELECT id, (rank() OVER (PARTITION BY name ORDER BY priority DESC, created_on) - 1)::int AS ahead FROM pgboss.job WHERE state < 'active' AND start_after <= now()) waiting
     WHERE id = ANY ($1::uuid[])`,
    [jobIds],
  );
  return new Map(rows.map(({ id, ahead }) => [id, ahead]));
}

/** The place that a job would have if it were asked for now. */
export async function nextPosition(kind: JobKind, priority: Priority): Promise<QueuePosition> {
  const name = queueOf(kind);
  const rows = await askQueue<Omit<Row, "priority">>(
    `SELECT data->>'kind' AS kind, (count(*) FILTER (WHERE state < 'active' AND start_after <= now() AND priority >= $2))::int AS ahead, (count(*) FILTER (WHERE state = 'active'))::int AS running
     FROM pgboss.job WHERE name = $1 AND state <= 'active' GROUP BY 1`,
    [name, priorities[priority]],
  );
  return toPosition(name, priorities[priority], rows);
}

async function toPosition(
  name: QueueName,
  priority: number,
  rows: readonly Omit<Row, "priority">[],
): Promise<QueuePosition> {
  const workers = (await liveWorkers()).length;
  const [ahead, running] = [sum(rows.map((row) => row.ahead)), sum(rows.map((row) => row.running))];
  const total = workers * places[name].filter((least) => priorities[least] <= priority).length;
  const seconds = total === 0 ? null : ahead + running < total ? 0 : await waitFor(name, rows, total);
  return { ahead, running, workers, seconds };
}

async function waitFor(name: QueueName, rows: readonly Omit<Row, "priority">[], total: number): Promise<number | null> {
  const known = await medians(name);
  let work = 0;
  for (const { kind, ahead, running } of rows) {
    if (ahead + running === 0) continue;
    const each = known.get(kind!);
    if (each === undefined) return null;
    work += (ahead + running / 2) * each; // what runs is half done, on the whole
  }
  return Math.round(work / total);
}

/** How long a job of this kind takes, in seconds: the median of the last ones that went well. Null before the first of the day. */
export async function estimate(kind: JobKind): Promise<number | null> {
  return (await medians(queueOf(kind))).get(kind) ?? null;
}

const RECENT = 20;

async function medians(name: QueueName): Promise<Map<JobKind, number>> {
  const rows = await askQueue<{ kind: JobKind; seconds: number }>(
    `SELECT kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds FROM (
       SELECT data->>'kind' AS kind, extract(epoch FROM completed_on - started_on)::float8 AS seconds,
         row_number() OVER (PARTITION BY data->>'kind' ORDER BY completed_on DESC) AS nth
       FROM pgboss.job WHERE name = $1 AND state = 'completed' AND output->>'outcome' = 'succeeded' AND completed_on > now() - interval '1 day'
     ) recent WHERE nth <= $2 GROUP BY kind`,
    [name, RECENT],
  );
  return new Map(rows.map(({ kind, seconds }) => [kind, seconds]));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

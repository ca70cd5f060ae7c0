import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { database } from "#lib/db/client.ts";
import { quantile } from "#lib/util/quantile.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { startPostgres } from "#workers/setup/postgres.ts";
import {
  createStubTables,
  effectsOf,
  putStub,
  release,
  startStubWorker,
  type StubJob,
  stubRow,
  type StubWorker,
} from "../tests/support/stub-jobs.ts";
import { migrationsFolder } from "../tests/support/temp-database.ts";
import { progress } from "./progress.ts";
import { table } from "./table.ts";

export interface KillResult {
  readonly rounds: number;
  /** From SIGKILL until the other worker has claimed the job, in seconds. */
  readonly seconds: readonly number[];
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Jobs whose result was written other than exactly once. */
  readonly notOnce: number;
}

/**
 * A worker is killed with SIGKILL in the middle of a job, at some moment between two of its heartbeats; another runs beside it. Real
 * processes, a real PostgreSQL with its own settings.
 */
export async function benchKill(rounds: number): Promise<KillResult> {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-bench-"));
  const postgres = await startPostgres({ folder: join(folder, "postgres") });
  Object.assign(process.env, { DATABASE_URL: postgres.url, GUIDEPOST_DATA: folder, LOG_LEVEL: "error" });
  const workers: StubWorker[] = [];
  try {
    await applyMigrations(postgres.url, migrationsFolder);
    await createStubTables();
    const jobs: StubJob[] = [];
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}`);
      while (workers.length < 2) workers.push(await startStubWorker({}));
      const job = await putStub("hold");
      jobs.push(job);
      const { pid } = await until(job, ({ state }) => state === "running");
      await sleep(1000 + Math.random() * 3000);
      const victim = workers.splice(
        workers.findIndex((worker) => worker.pid === pid),
        1,
      )[0]!;
      const began = performance.now();
      victim.kill("SIGKILL");
      await until(job, ({ attempt }) => attempt === 2);
      seconds.push((performance.now() - began) / 1000);
      await release(job);
      await until(job, ({ state }) => state === "succeeded");
    }
    const effects = await effectsOf(...jobs);
    const notOnce = jobs.filter((job) => effects.filter(({ id }) => id === job.id).length !== 1).length;
    const sorted = seconds.toSorted((a, b) => a - b);
    return { rounds, seconds, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst: sorted.at(-1)!, notOnce };
  } finally {
    progress("");
    for (const worker of workers) worker.kill("SIGKILL");
    await closeQueue();
    await database().$disconnect();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

export const showKill = ({ rounds, p50, p99, worst, notOnce }: KillResult): string =>
  table([
    ["worker SIGKILL → running elsewhere", "rounds", "p50 s", "p99 s", "worst s", "not done once"],
    ["", `${rounds}`, p50.toFixed(1), p99.toFixed(1), worst.toFixed(1), `${notOnce}`],
  ]);

async function until(
  job: StubJob,
  isSo: (row: Awaited<ReturnType<typeof stubRow>>) => boolean,
): Promise<Awaited<ReturnType<typeof stubRow>>> {
  for (;;) {
    const row = await stubRow(job);
    if (isSo(row)) return row;
    await sleep(10);
  }
}

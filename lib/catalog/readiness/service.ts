import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { liveWorkers } from "#lib/queue/workers.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { askDatabase } from "./repository.ts";

interface Part {
  readonly ok: boolean;
  readonly problem: string | null;
}

export interface Readiness {
  /** A hub without a worker serves all it has; what must be computed waits. */
  readonly ready: boolean;
  readonly database: Part;
  readonly storage: Part;
  readonly worker: Part;
}

/** Who asks more often than this gets the last answer again: a probe must not become load. */
const KEEP_MS = 1000;
const PATIENCE_MS = 3000;

let last: { readonly at: number; readonly found: Promise<Readiness> } | undefined;

export function readiness(): Promise<Readiness> {
  if (!last || Date.now() - last.at > KEEP_MS) last = { at: Date.now(), found: look() };
  return last.found;
}

async function look(): Promise<Readiness> {
  const [database, storage, worker] = await Promise.all([
    probe(askDatabase, "The database does not answer; see whether PostgreSQL runs and DATABASE_URL is right."),
    probe(
      () => objectStore().check(),
      "The object store does not answer; see whether it runs and the S3 settings are right.",
    ),
    probe(requireWorker, "The workers cannot be asked for while the database is away."),
  ]);
  return { ready: database.ok && storage.ok, database, storage, worker };
}

async function requireWorker(): Promise<void> {
  if ((await liveWorkers()).length === 0)
    throw new AppError("worker_lost", "No worker is running; start one with “npx guidepost worker”.");
}

async function probe(ask: () => Promise<unknown>, otherwise: string): Promise<Part> {
  try {
    const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() =>
      Promise.reject(new Error("no answer in time")),
    );
    await Promise.race([ask(), late]);
    return { ok: true, problem: null };
  } catch (cause) {
    const failure = cause instanceof AppError ? cause : null;
    tellOperator(failure?.toOperator ?? otherwise, cause);
    return { ok: false, problem: failure?.message ?? otherwise };
  }
}

const told = new Map<string, number>();
const TELL_AGAIN_MS = 60_000;

/** Anybody may ask, and is not told where store and database are: the log says it, and not at each probe. */
function tellOperator(problem: string, cause: unknown): void {
  if (Date.now() - (told.get(problem) ?? 0) < TELL_AGAIN_MS) return;
  told.set(problem, Date.now());
  log().warn({ event: "readiness.problem", err: cause }, problem);
}

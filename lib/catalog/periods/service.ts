import { randomBytes } from "node:crypto";
import { database } from "#lib/db/client.ts";
import { append } from "#lib/db/outbox.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { commitmentTo, type DrawnFrom, drawnFrom } from "#lib/pairing/period-secret.ts";
import {
  findTry,
  insertPeriod,
  insertTry,
  lockPeriods,
  lockTriesOf,
  newestPeriods,
  periodOf,
  periodOfWeights,
  type PeriodRow,
  type TryKey,
  type TryRow,
  untoldPeriods,
  updatePeriod,
} from "./repository.ts";
import type { Period } from "./schema.ts";

/** Clocks of several machines differ: so long after the end of a period nothing that was uploaded in it can still be on its way. */
const TOLD_AFTER_SECONDS = 3600;

/**
 * Sees to it that a period is in force and the one after it promised, and tells the secrets of those that have ended. A period begins only
 * once everybody could know for a whole period that it would: but for the first, and where all of the hub slept.
 */
export async function keepPeriods(now = new Date()): Promise<void> {
  const ended = before(now, TOLD_AFTER_SECONDS);
  const [newest] = await newestPeriods(1);
  // Looked at each minute by every worker: nothing is locked where nothing is to be done.
  if (newest && newest.startsAt > now && (await untoldPeriods(ended)).length === 0) return;
  await inLockedTransaction(database(), async (transaction) => {
    await lockPeriods(transaction);
    await promiseNext(transaction, now);
    for (const { number, secret } of await untoldPeriods(ended, transaction)) {
      await updatePeriod(transaction, number, { toldAt: now });
      await append(transaction, { kind: "period.tell", subjectId: String(number), detail: { secret } });
    }
  });
}

async function promiseNext(transaction: Transaction, now: Date): Promise<void> {
  const length = env().periodSeconds * 1000;
  for (;;) {
    const [newest] = await newestPeriods(1, transaction);
    if (newest && newest.startsAt > now) return;
    // Nobody was there to promise the next one in time: then the last one goes on for as long again.
    const isLate = newest !== undefined && newest.endsAt <= now;
    const startsAt = newest === undefined ? now : isLate ? new Date(now.getTime() + length) : newest.endsAt;
    if (isLate) await updatePeriod(transaction, newest.number, { endsAt: startsAt });
    const number = (newest?.number ?? 0) + 1;
    const secret = randomBytes(32).toString("hex");
    const commitment = commitmentTo(secret);
    const endsAt = new Date(startsAt.getTime() + length);
    await insertPeriod(transaction, { number, committedAt: now, startsAt, endsAt, commitment, secret });
    await append(transaction, {
      kind: "period.promise",
      subjectId: String(number),
      detail: { commitment, startsAt: startsAt.toISOString() },
    });
  }
}

/** Twenty years of weeks, and some hundred kilobytes. */
const MOST_TOLD = 1000;

export const listPeriods = async (): Promise<Period[]> => (await newestPeriods(MOST_TOLD)).map(toPeriod);

export async function findPeriod(number: number): Promise<Period | null> {
  const row = await periodOf(number);
  return row ? toPeriod(row) : null;
}

/** What is drawn for pairs of a period: for the worker that draws it, and nobody else before it is told. */
export async function drawOfPeriod(number: number): Promise<DrawnFrom> {
  const row = await periodOf(number);
  if (row) return drawnFrom(row.secret);
  throw new AppError("not_found", `There is no period ${number} to draw from; ask for the measurement again.`);
}

/**
 * With what a guide is measured on a unit, and the how manieth of its author's it is there: decided once for these bytes. The period is
 * the one in which the last of them came, whose secret was promised before and told after; nothing else has a say in what is drawn.
 */
export async function tryOf(
  transaction: Transaction,
  { unitHash, guideWeightsSha256 }: TryKey,
  { components, guideCommitId }: { readonly components: readonly string[]; readonly guideCommitId: string },
): Promise<TryRow> {
  const key = { unitHash, guideWeightsSha256 };
  const known = await findTry(transaction, key);
  if (known) return known;
  await lockTriesOf(transaction, unitHash);
  const raced = await findTry(transaction, key);
  if (raced) return raced;
  const period = await requirePeriod(transaction, [...components, guideWeightsSha256]);
  const first = await insertTry(transaction, key, guideCommitId, period);
  if (first) return first;
  throw new AppError("not_found", "The guide is gone; nothing is left to measure.");
}

/** Where nobody has kept periods yet, it is done now. */
async function requirePeriod(transaction: Transaction, weights: readonly string[]): Promise<number> {
  const found = await periodOfWeights(transaction, weights);
  if (found !== null) return found;
  await lockPeriods(transaction);
  await promiseNext(transaction, new Date());
  const begun = await periodOfWeights(transaction, weights);
  if (begun !== null) return begun;
  throw new AppError("busy", "Something came from a clock that is ahead of this one; try again in a moment.", {
    retryAfter: 60,
  });
}

function toPeriod({ number, committedAt, startsAt, endsAt, commitment, secret, toldAt }: PeriodRow): Period {
  return {
    number,
    committedAt: committedAt.toISOString(),
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    commitment,
    toldFrom: new Date(endsAt.getTime() + TOLD_AFTER_SECONDS * 1000).toISOString(),
    secret: toldAt === null ? null : secret,
  };
}

const before = (now: Date, seconds: number): Date => new Date(now.getTime() - seconds * 1000);

import { append } from "#lib/db/outbox.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { commitmentTo, type DrawnFrom, drawnFrom } from "#lib/pairing/period-secret.ts";
import {
  authorOf,
  countTries,
  findTry,
  firstEndingAfter,
  insertPeriod,
  insertTry,
  lastFirstSeen,
  lockPeriods,
  lockTriesOf,
  moveTry,
  newestPeriods,
  type PeriodRow,
  periodsOf,
  type TryKey,
  type TryRow,
  untoldPeriods,
  updatePeriod,
} from "./repository.ts";
import type { Period } from "./schema.ts";
import { secretIfKept, secretOf } from "./secret.ts";

/** Clocks of several machines differ: so long after the end of a period nothing that was uploaded in it can still be on its way. */
const TOLD_AFTER_SECONDS = 3600;

/**
 * Sees to it that a period is in force and the one after it committed to, and tells the secrets of those that have ended. A period begins
 * only once everybody could know for a whole period that it would: but for the first, and where all of the hub slept.
 */
export async function keepPeriods(now = new Date()): Promise<void> {
  if (!(await isToDo(now))) return;
  await inLockedTransaction(database(), async (transaction) => {
    await lockPeriods(transaction);
    await endLost(transaction, now);
    await commitToNext(transaction, now);
    for (const row of await untoldPeriods(transaction, { endedBefore: before(now, TOLD_AFTER_SECONDS) }))
      await tell(transaction, row);
  });
}

/** Looked at each minute by every worker: nothing is locked where nothing is to be done. */
async function isToDo(now: Date): Promise<boolean> {
  const [newest] = await newestPeriods(1);
  if (!newest || newest.startsAt <= now) return true;
  const [ended, open] = await Promise.all([
    untoldPeriods(database(), { endedBefore: before(now, TOLD_AFTER_SECONDS) }),
    untoldPeriods(database(), { endAfter: now }),
  ]);
  return ended.length > 0 || open.some((row) => secretIfKept(row) === null);
}

/** GUIDEPOST_SECRET was changed: what was committed to cannot be kept, and what comes from now on is measured with something that can. */
async function endLost(transaction: Transaction, now: Date): Promise<void> {
  for (const row of await untoldPeriods(transaction, { endAfter: now }))
    if (secretIfKept(row) === null)
      await updatePeriod(transaction, row.number, { isLost: true, endsAt: later(now, row.startsAt) });
}

async function commitToNext(transaction: Transaction, now: Date): Promise<void> {
  for (;;) {
    const [newest] = await newestPeriods(1, transaction);
    if (newest && newest.startsAt > now && !newest.isLost) return;
    const length = env().periodSeconds * 1000;
    // Nobody was there to commit to the next one in time: then the last one goes on for as long again.
    const isLate = newest && !newest.isLost && newest.endsAt <= now;
    if (isLate) await updatePeriod(transaction, newest.number, { endsAt: new Date(now.getTime() + length) });
    const startsAt = !newest || newest.isLost ? now : isLate ? new Date(now.getTime() + length) : newest.endsAt;
    const number = (newest?.number ?? 0) + 1;
    const commitment = commitmentTo(secretOf(number, startsAt));
    const endsAt = new Date(startsAt.getTime() + length);
    await insertPeriod(transaction, { number, committedAt: now, startsAt, endsAt, commitment });
    await append(transaction, {
      kind: "period.commit",
      subjectId: String(number),
      detail: { commitment, startsAt: startsAt.toISOString() },
    });
  }
}

async function tell(transaction: Transaction, row: PeriodRow): Promise<void> {
  const secret = secretIfKept(row);
  if (secret === null) return updatePeriod(transaction, row.number, { isLost: true });
  await updatePeriod(transaction, row.number, { secret });
  await append(transaction, { kind: "period.tell", subjectId: String(row.number), detail: { secret } });
}

/** Two years of weeks. */
const MOST_TOLD = 104;

export const listPeriods = async (): Promise<Period[]> => (await newestPeriods(MOST_TOLD)).map(toPeriod);

/** Of some numbers. */
export async function findPeriods(numbers: readonly number[]): Promise<ReadonlyMap<number, Period>> {
  if (numbers.length === 0) return new Map();
  return new Map((await periodsOf([...new Set(numbers)])).map((row) => [row.number, toPeriod(row)]));
}

/** What is drawn for pairs of a period. @throws conflict where that cannot be known any more */
export async function drawOfPeriod(number: number): Promise<DrawnFrom> {
  const [row] = await periodsOf([number]);
  const secret = row && (row.secret ?? secretIfKept(row));
  if (secret) return drawnFrom(secret);
  throw new AppError(
    "conflict",
    `The hub's own secret was changed after it had committed itself to what period ${number} draws, so that cannot be drawn any more; ask for the measurement again.`,
    { period: number },
  );
}

/**
 * With what a guide is measured on a unit, and the how manieth of its author's it is there: decided once for these bytes. The period is
 * the one in which the last of them came, whose secret was committed to before and told after; nothing else has a say in what is drawn.
 */
export async function tryOf(
  transaction: Transaction,
  { unitHash, guideWeightsSha256 }: TryKey,
  { components, guideCommitId }: { readonly components: readonly string[]; readonly guideCommitId: string },
): Promise<TryRow> {
  const key = { unitHash, guideWeightsSha256 };
  const known = await findTry(transaction, key);
  if (known && !(await isLost(transaction, known.period))) return known;
  await lockTriesOf(transaction, unitHash);
  const came = (await lastFirstSeen(transaction, [...components, guideWeightsSha256])) ?? new Date();
  const period = await requirePeriod(transaction, came);
  const raced = await findTry(transaction, key);
  if (raced) {
    await moveTry(transaction, key, period);
    return { ...raced, period };
  }
  const author = await authorOf(transaction, guideCommitId);
  if (!author) throw new AppError("not_found", "The guide is gone; nothing is left to measure.");
  const number = 1 + (await countTries(transaction, unitHash, author));
  await insertTry(transaction, { ...key, ...author, number, period });
  return { number, period };
}

async function isLost(transaction: Transaction, number: number): Promise<boolean> {
  const [row] = await periodsOf([number], transaction);
  return row === undefined || row.isLost;
}

/** Where nobody has kept periods yet, it is done now. */
async function requirePeriod(transaction: Transaction, came: Date): Promise<number> {
  const found = await firstEndingAfter(transaction, came);
  if (found !== null) return found;
  await lockPeriods(transaction);
  await commitToNext(transaction, later(new Date(), came));
  return (await firstEndingAfter(transaction, came))!;
}

function toPeriod({ number, committedAt, startsAt, endsAt, commitment, secret, isLost }: PeriodRow): Period {
  return {
    number,
    committedAt: committedAt.toISOString(),
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    commitment,
    toldFrom: new Date(endsAt.getTime() + TOLD_AFTER_SECONDS * 1000).toISOString(),
    secret,
    isLost,
  };
}

const before = (now: Date, seconds: number): Date => new Date(now.getTime() - seconds * 1000);
const later = (one: Date, other: Date): Date => (one > other ? one : other);

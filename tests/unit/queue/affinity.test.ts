import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { openQueue } from "#lib/queue/boss.ts";
import { claimNext } from "#lib/queue/claim.ts";
import type { Place } from "#lib/queue/choose.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { registerWorker, workerSeen } from "#lib/queue/workers.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { workerRow } from "../../support/worker-row.ts";

// A worker that holds “clay” open with a place free, and one that holds nothing.

const hub = await useTempHub();
const [holder, other] = [workerRow(1), workerRow(1)];
const placeOf = ({ id }: typeof holder, models: readonly string[]): Place => ({
  workerId: id,
  resource: "compute",
  lanes: ["seconds", "minutes", "hours"],
  least: 0,
  memory: null,
  models,
});
const [warm, cold] = [placeOf(holder, ["clay"]), placeOf(other, [])];

beforeAll(async () => {
  await openQueue("work");
  for (const id of ["ann", "bob"])
    await database().$executeRaw`INSERT INTO app_user (id, name, email) VALUES (${id}, ${id}, ${`${id}@example.org`})`;
});
beforeEach(async () => {
  await database().job.deleteMany();
  await database().jobTurn.deleteMany();
  await database().jobClock.updateMany({ data: { turn: 0 } });
  for (const worker of [holder, other]) await registerWorker(worker);
  await workerSeen(holder, { models: ["clay"], free: 1 });
  await workerSeen(other, { models: [], free: 1 });
});
afterAll(() => hub.close());

async function ask(userId: string, modelKey: string): Promise<string> {
  const subjectId = randomUUID();
  await inLockedTransaction(database(), (transaction) =>
    enqueue(transaction, { kind: "preview", subjectId, priority: "person", userId, modelKey }),
  );
  return subjectId;
}
const had = (userId: string, seconds: number): Promise<unknown> =>
  database().jobTurn.create({ data: { resource: "compute", groupId: userId, used: seconds } });
const claimed = async (place: Place): Promise<string | null> => (await claimNext(place))?.subjectId ?? null;

test("a job is left to the worker that holds its model, and taken by another once it has waited for that", async () => {
  const job = await ask("ann", "clay");
  expect(await claimed(cold)).toBeNull();
  await database().$executeRaw`UPDATE job SET queued_at = now() - interval '3 seconds'`;
  expect(await claimed(cold)).toBe(job);
});

test("which does so at once where that worker is busy, or has not been seen", async () => {
  await workerSeen(holder, { models: ["clay"], free: 0 });
  const first = await ask("ann", "clay");
  expect(await claimed(cold)).toBe(first);
  await workerSeen(holder, { models: ["clay"], free: 1 });
  await database().$executeRaw`UPDATE worker SET seen_at = now() - interval '20 seconds' WHERE id = ${holder.id}::uuid`;
  const second = await ask("ann", "clay");
  expect(await claimed(cold)).toBe(second);
});

test("the worker that holds a model takes it before others, as long as that person's turn is hardly later", async () => {
  await had("ann", 8);
  const [anns, bobs] = [await ask("ann", "clay"), await ask("bob", "neon")];
  expect(await claimed(warm)).toBe(anns);
  expect(await claimed(warm)).toBe(bobs);
});

test("and not before somebody who has had much less", async () => {
  await had("ann", 12);
  const [anns, bobs] = [await ask("ann", "clay"), await ask("bob", "neon")];
  expect(await claimed(warm)).toBe(bobs);
  expect(await claimed(warm)).toBe(anns);
});

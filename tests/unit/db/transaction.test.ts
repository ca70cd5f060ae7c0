import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "#lib/db/client.ts";
import { inLockedTransaction, inTransaction } from "#lib/db/transaction.ts";
import { toAppError, toFailureResponse } from "#lib/http/failure.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const database = openDatabase(temp.url);

beforeAll(async () => {
  await database.$executeRaw`CREATE TABLE doctor (name text PRIMARY KEY, on_call boolean NOT NULL, seen int NOT NULL DEFAULT 0)`;
});

afterAll(async () => {
  await database.$disconnect();
  await temp.drop();
});

/** Everybody waits here until `count` have come. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    if (++come === count) resolve();
    return promise;
  };
}

test("two who each see the other on call do not both leave", async () => {
  await database.$executeRaw`TRUNCATE doctor`;
  await database.$executeRaw`INSERT INTO doctor VALUES ('ann', true), ('bob', true)`;
  const bothHaveSeen = meeting(2);
  let runs = 0;
  const leave = (name: string): Promise<boolean> =>
    inTransaction(database, async (transaction) => {
      runs++;
      const [others] = await transaction.$queryRaw<
        { count: number }[]
      >`SELECT count(*)::int AS count FROM doctor WHERE on_call AND name <> ${name}`;
      await bothHaveSeen();
      if (others!.count === 0) return false;
      await transaction.$executeRaw`UPDATE doctor SET on_call = false WHERE name = ${name}`;
      return true;
    });
  expect((await Promise.all([leave("ann"), leave("bob")])).toSorted()).toEqual([false, true]);
  expect(runs).toBe(3); // PostgreSQL tells one of them to begin again
});

test("of many that count the same row up none is lost", async () => {
  await database.$executeRaw`TRUNCATE doctor`;
  await database.$executeRaw`INSERT INTO doctor VALUES ('ann', true)`;
  const addOne = (): Promise<void> =>
    inTransaction(database, async (transaction) => {
      const [row] = await transaction.$queryRaw<{ seen: number }[]>`SELECT seen FROM doctor`;
      await transaction.$executeRaw`UPDATE doctor SET seen = ${row!.seen + 1}`;
    });
  await Promise.all(Array.from({ length: 5 }, addOne));
  expect(await database.$queryRaw`SELECT seen FROM doctor`).toEqual([{ seen: 5 }]);
});

test("two that lock in opposite order both get through", async () => {
  await database.$executeRaw`TRUNCATE doctor`;
  await database.$executeRaw`INSERT INTO doctor VALUES ('ann', true), ('bob', true)`;
  const bothHoldOne = meeting(2);
  const lock = (first: string, second: string): Promise<void> =>
    inTransaction(database, async (transaction) => {
      await transaction.$executeRaw`UPDATE doctor SET seen = seen + 1 WHERE name = ${first}`;
      await bothHoldOne();
      await transaction.$executeRaw`UPDATE doctor SET seen = seen + 1 WHERE name = ${second}`;
    });
  await Promise.all([lock("ann", "bob"), lock("bob", "ann")]);
  expect(await database.$queryRaw`SELECT sum(seen)::int AS seen FROM doctor`).toEqual([{ seen: 4 }]);
});

test("a conflict that comes again and again ends as busy, with the time to wait", async () => {
  let runs = 0;
  const unlucky = inTransaction(
    database,
    async (transaction) => {
      runs++;
      await transaction.$executeRaw`DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = 'serialization_failure'; END $$`;
    },
    300,
  );
  const failure = await unlucky.catch((cause: unknown) => toFailureResponse(cause, "1"));
  expect(failure).toMatchObject({ status: 503 });
  expect((failure as Response).headers.get("Retry-After")).toBe("2");
  expect(await (failure as Response).json()).toMatchObject({ code: "busy", detail: { attempts: runs } });
  expect(runs).toBeGreaterThan(2);
});

test.each([
  ["a deadlock outside of any transaction of ours", "40P01"],
  ["a statement that took too long", "57014"],
  ["a lock that was not given", "55P03"],
])("%s is told as busy too", async (_, code) => {
  const failure = await database
    .$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '${code}'; END $$`)
    .catch(toAppError);
  expect(failure).toMatchObject({ code: "busy", detail: { retryAfter: expect.any(Number) } });
});

test("a transaction for which there is no connection is told as busy", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const holders = Array.from({ length: 10 }, () => inTransaction(database, () => release));
  const failure = await database.$transaction(async () => {}, { maxWait: 50 }).catch(toAppError);
  resolve();
  await Promise.all(holders);
  expect(failure).toMatchObject({ code: "busy" });
});

test("those who lock their own rows never begin again, however many they are", async () => {
  await database.$executeRaw`TRUNCATE doctor`;
  const names = Array.from({ length: 8 }, (_, n) => `doctor-${n}`);
  await database.$executeRaw`INSERT INTO doctor SELECT name, true FROM unnest(${names}::text[]) AS name`;
  let runs = 0;
  const work = (name: string): Promise<void> =>
    inLockedTransaction(database, async (transaction) => {
      runs++;
      const [row] = await transaction.$queryRaw<
        { seen: number }[]
      >`SELECT seen FROM doctor WHERE name = ${name} FOR NO KEY UPDATE`;
      await transaction.$executeRaw`UPDATE doctor SET seen = ${row!.seen + 1} WHERE name = ${name}`;
    });
  for (let round = 0; round < 5; round++) await Promise.all([...names, ...names].map(work));
  expect(runs).toBe(5 * 16);
  expect(await database.$queryRaw`SELECT DISTINCT seen FROM doctor`).toEqual([{ seen: 10 }]);
});

test("any other failure comes through at once, and nothing is kept", async () => {
  await database.$executeRaw`TRUNCATE doctor`;
  let runs = 0;
  const failing = inTransaction(database, async (transaction) => {
    runs++;
    await transaction.$executeRaw`INSERT INTO doctor VALUES ('eve', true)`;
    throw new Error("changed my mind");
  });
  await expect(failing).rejects.toThrow("changed my mind");
  expect(runs).toBe(1);
  expect(await database.$queryRaw`SELECT * FROM doctor`).toEqual([]);
});

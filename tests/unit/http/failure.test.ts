import { afterAll, beforeAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { toAppError } from "#lib/http/failure.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
afterAll(() => hub.close());

beforeAll(async () => {
  await database()
    .$executeRaw`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$`;
  await database().$executeRaw`CREATE TRIGGER no_room BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION no_room()`;
});

test.each([
  ["by a statement of Prisma's", () => database().outbox.create({ data: { kind: "repo.create", subjectId: "x" } })],
  ["by one of ours", () => database().$executeRaw`INSERT INTO outbox (kind, subject_id) VALUES ('repo.create', 'x')`],
  [
    "in a transaction",
    () =>
      inTransaction(database(), (transaction) =>
        transaction.outbox.create({ data: { kind: "repo.create", subjectId: "x" } }),
      ),
  ],
])("a database without room on its disk is told as such, %s", async (_, write) => {
  const failure = await Promise.resolve(write()).then(
    () => null,
    (cause: unknown) => toAppError(cause),
  );
  expect(failure).toMatchObject({
    code: "disk_full",
    message: "The hub's disk is full; its operator has to free some space.",
  });
});

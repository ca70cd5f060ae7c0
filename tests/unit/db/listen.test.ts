import pg from "pg";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { database } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";
import { ids, smallHub } from "../../support/small-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));
afterAll(() => hub.close());

/** A watcher that counts how often it was told. */
function count(id: string): { told: number } {
  const seen = { told: 0 };
  ends.push(watch(id, () => seen.told++));
  return seen;
}

const backends = (): Promise<{ pid: number }[]> =>
  database()
    .$queryRaw`SELECT pid FROM pg_stat_activity WHERE application_name = 'guidepost-listen' AND datname = current_database()`;
const tell = (payload: string) => database().$queryRaw`SELECT pg_notify('guidepost', ${payload})::text`;
const soon = { interval: 20 };
/** Told once for having begun to listen. */
const listening = (seen: { told: number }) => expect.poll(() => seen.told, soon).toBe(1);

describe("who watches a row", () => {
  test("is told of it alone, through one connection of the process, until it ends", async () => {
    const [one, other] = [count("one"), count("other")];
    await listening(one);
    const again = count("one"); // of a connection that is there nobody is told
    expect(await backends()).toHaveLength(1);
    await tell("one");
    await expect.poll(() => [one.told, again.told, other.told], soon).toEqual([2, 1, 1]);
    ends[0]!();
    await tell("one");
    await expect.poll(() => again.told, soon).toBe(2);
    expect([one.told, other.told]).toEqual([2, 1]);
  });

  test("is told by the database itself, after the commit", async () => {
    const seen = count(ids.preview);
    const admin = new pg.Client(hub.database.url);
    await admin.connect();
    await admin.query(smallHub);
    await expect.poll(() => seen.told, soon).toBe(1);
    await admin.query(`BEGIN; UPDATE preview SET state = 'running', attempt = 1`);
    const later = count("later");
    await tell("later"); // what was told before it has been heard before it
    await expect.poll(() => later.told, soon).toBe(1);
    expect(seen.told).toBe(1);
    await admin.query("COMMIT");
    await expect.poll(() => seen.told, soon).toBe(2);
    await admin.query("UPDATE preview SET is_attached = true"); // nobody waits for that
    await admin.query(
      `INSERT INTO job_progress (job_id, subject_id, value) VALUES ('${ids.pair}', '${ids.preview}', '{"step": 1}')`,
    );
    await expect.poll(() => seen.told, soon).toBe(3);
    await admin.end();
  });

  test("is told to look again when the connection was lost, and hears what comes after", async () => {
    const seen = count("one");
    await tell("one");
    await expect.poll(() => seen.told, soon).toBeGreaterThan(0);
    for (let loss = 0; loss < 3; loss++) {
      const before = seen.told;
      const [backend] = await backends();
      await database().$queryRaw`SELECT pg_terminate_backend(${backend!.pid}::int)`;
      await expect.poll(() => seen.told, soon).toBe(before + 1);
      expect((await backends()).map(({ pid }) => pid)).not.toContain(backend!.pid);
      await tell("one");
      await expect.poll(() => seen.told, soon).toBe(before + 2);
    }
  });
});

test("the connection is closed ten seconds after the last watcher, and opened for the next", async () => {
  const first = count("one");
  await tell("one");
  await expect.poll(() => first.told, soon).toBeGreaterThan(0);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    ends.splice(0).forEach((end) => end());
    vi.advanceTimersByTime(9_999);
    expect(await backends()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await expect.poll(async () => (await backends()).length, soon).toBe(0);
  } finally {
    vi.useRealTimers();
  }
  await listening(count("one"));
});

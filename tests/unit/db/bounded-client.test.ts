import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { boundedClient } from "#lib/db/bounded-client.ts";
import { toAppError } from "#lib/http/failure.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const database = await createTempDatabase("empty");
afterAll(() => database.drop());

/** How long the pool lets anybody wait for a connection. */
const MOST_MS = 5_000;

/** A network before the database that swallows what is sent, in both directions, while it is told to. */
async function network() {
  const { hostname, port } = new URL(database.url);
  const ends: Socket[] = [];
  let isSwallowing = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => isSwallowing || to.write(bytes));
      from.on("close", () => to.destroy());
      from.on("error", () => {});
      ends.push(from);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(database.url);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    swallow: (does: boolean) => (isSwallowing = does),
    close: () => {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}

test("what works long is let go on while the database answers others, but not longer than is said", async () => {
  const pools = [600_000, 3_000].map((most) => new pg.Pool({ Client: boundedClient(database.url, most), max: 1 }));
  for (const pool of pools) pool.on("error", () => {});
  const [patient, brief] = pools as [pg.Pool, pg.Pool];
  const [long, endless] = await Promise.allSettled([
    patient.query("SELECT 'done' AS said FROM pg_sleep(9)"), // three times as long as who answers nobody may be silent
    brief.query("SELECT pg_sleep(600)"),
  ]);
  expect(long).toMatchObject({ status: "fulfilled", value: { rows: [{ said: "done" }] } });
  expect(endless).toMatchObject({ status: "rejected" });
  expect(toAppError((endless as PromiseRejectedResult).reason).code).toBe("database_unavailable");
  for (const pool of pools) expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await Promise.all(pools.map((pool) => pool.end()));
});

test("a network that swallows what is sent ends every connection, keeps nobody waiting, and may come back", async () => {
  const between = await network();
  const pool = new pg.Pool({ Client: boundedClient(between.url, 600_000), max: 4, connectionTimeoutMillis: MOST_MS });
  pool.on("error", () => {});
  const working = await pool.connect();
  working.on("error", () => {});
  await working.query("CREATE TABLE written (one int)");
  await working.query("BEGIN");
  await working.query("INSERT INTO written VALUES (1)");
  const [idle, owing] = await Promise.all([pool.connect(), pool.connect()]);
  idle.release();
  owing.on("error", () => {});

  between.swallow(true);
  const away = "database_unavailable";
  const codeOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "answered",
      (cause: unknown) => toAppError(cause).code,
    );
  expect(await Promise.all([codeOf(working.query("COMMIT")), codeOf(owing.query("SELECT 1"))])).toEqual([away, away]);
  expect(pool.idleCount).toBe(0);
  let waited = 0;
  for (let at = 0; at < 100; at++) {
    const began = performance.now();
    expect(await codeOf(pool.query("SELECT 1"))).toBe(away);
    if (performance.now() - began >= MOST_MS) waited += 1;
  }
  expect(waited).toBeLessThan(10); // as long as the pool lets them; not all hundred
  working.release();
  owing.release();

  between.swallow(false);
  while ((await codeOf(pool.query("SELECT 1"))) !== "answered") await sleep(50);
  expect((await pool.query("SELECT * FROM written")).rows).toEqual([]); // nobody came into the transaction that was cut
  await pool.end();
  between.close();
});

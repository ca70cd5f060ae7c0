import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningPostgres, startPostgres } from "#workers/setup/postgres.ts";

const root = mkdtempSync(join(tmpdir(), "guidepost-postgres-"));
const made = join(root, "made");
const running: RunningPostgres[] = [];

/** A stopped cluster with a table, to copy for each test: making one takes a second. */
beforeAll(async () => {
  const server = await start(made);
  await ask(server.url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n");
  await server.stop();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(
  folder: string,
  options: Partial<Parameters<typeof startPostgres>[0]> = {},
): Promise<RunningPostgres> {
  const server = await startPostgres({ folder, settings: { fsync: "off" }, ...options });
  running.push(server);
  return server;
}

function copyOfMade(name: string): string {
  const folder = join(root, name);
  cpSync(made, folder, { recursive: true });
  return folder;
}

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

const keptRows = "SELECT count(*)::int FROM kept";

/** A start in a process of its own, which then does `next`. Resolves when it has printed its line. */
async function startElsewhere(
  folder: string,
  next: string,
): Promise<{ child: ChildProcess; url: string; pid: number }> {
  const code = `import { startPostgres } from "#workers/setup/postgres.ts"; const server = await startPostgres({ folder: ${JSON.stringify(folder)} }); console.log(JSON.stringify(server)); ${next}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(child.stdout!, "data"),
    once(child, "close").then(() => expect.unreachable("the process ended")),
  ])) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a start", () => {
  test("makes a cluster with a password that others cannot read, and keeps it", async () => {
    const folder = join(root, "first", "postgres");
    const first = await start(folder);
    expect(
      await ask(
        first.url,
        "SELECT current_database(), current_user, current_setting('server_version_num')::int / 10000, current_setting('data_checksums'), lower('ÄÖ')",
      ),
    ).toEqual([["guidepost", "guidepost", 18, "on", "äö"]]);
    expect(statSync(join(folder, "cluster", "password")).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o077).toBe(0);
    await ask(first.url, "CREATE TABLE t (x int)");
    await first.stop();
    await first.stop();
    const second = await start(folder);
    expect(second.url).toBe(first.url); // the same port and password
    expect(await ask(second.url, "SELECT count(*)::int FROM t")).toEqual([[0]]);
    expect(readdirSync(folder).toSorted()).toEqual(["cluster", "log", "log.old", "port"]);
  });

  test("listens on this machine only, and asks for the password", async () => {
    const server = await start(copyOfMade("listen"));
    const url = new URL(server.url);
    url.password = "wrong";
    await expect(ask(url.href, "SELECT")).rejects.toMatchObject({ code: "28P01" });
    expect(await ask(server.url, "SHOW listen_addresses")).toEqual([["127.0.0.1"]]);
    expect(await ask(server.url, "SHOW unix_socket_directories")).toEqual([[""]]);
    for (const address of Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4")) {
      const outside = new URL(server.url);
      outside.hostname = address.address;
      await expect(ask(outside.href, "SELECT")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }
  });

  test("takes another port when the last one is taken, and stays there", async () => {
    const folder = copyOfMade("port");
    const taken = Number(readFileSync(join(folder, "port"), "utf8"));
    const other = createServer().listen(taken, "127.0.0.1");
    await once(other, "listening");
    const server = await start(folder);
    const { port } = new URL(server.url);
    expect(Number(port)).not.toBe(taken);
    expect(await ask(server.url, keptRows)).toEqual([[1000]]);
    await server.stop();
    other.close();
    expect(new URL((await start(folder)).url).port).toBe(port);
  });

  test("clears away what a start that was killed at its first left", async () => {
    const folder = copyOfMade("half-made");
    mkdirSync(join(folder, "cluster.new-abcdef"));
    writeFileSync(join(folder, "cluster.new-abcdef.password"), "x");
    await start(folder);
    expect(readdirSync(folder).filter((name) => name.includes("new"))).toEqual([]);
  });

  test("of two at once on a new folder one runs, and the other is told", async () => {
    const folder = join(root, "two");
    const both = await Promise.allSettled([start(folder), start(folder)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(both.find((each) => each.status === "rejected")!.reason).toMatchObject({
      message: expect.stringMatching(/ is in use by /),
    });
    expect(await ask(running[0]!.url, "SELECT 1")).toEqual([[1]]);
  });
});

describe("after a death", () => {
  test("of the parent by SIGKILL the server lives on, and the next start takes its place", async () => {
    const folder = copyOfMade("orphan");
    const elsewhere = await startElsewhere(folder, "setInterval(() => {}, 1000)");
    const session = new pg.Client({ connectionString: elsewhere.url });
    session.on("error", () => {});
    await session.connect();
    await session.query("CREATE TABLE t AS SELECT 1 AS x");
    elsewhere.child.kill("SIGKILL");
    await once(elsewhere.child, "close");
    expect(isAlive(elsewhere.pid)).toBe(true);
    expect((await session.query("SELECT x FROM t")).rows).toEqual([{ x: 1 }]);

    const server = await start(folder);
    expect(server.pid).not.toBe(elsewhere.pid);
    expect(await ask(server.url, "SELECT x FROM t")).toEqual([[1]]);
  });

  test("of the parent by its own will the server goes with it", async () => {
    const folder = copyOfMade("exit");
    const elsewhere = await startElsewhere(folder, "process.exit(0)");
    await once(elsewhere.child, "close");
    while (existsSync(join(folder, "cluster", "postmaster.pid"))) await sleep(20);
    // Its last line may be written after that file is gone.
    await expect.poll(() => readFileSync(join(folder, "log"), "utf8")).toContain("database system is shut down");
  });

  test("of the server itself with work under way, all that was committed is there", async () => {
    const folder = copyOfMade("crash");
    const server = await start(folder, { settings: {} });
    const session = new pg.Client({ connectionString: server.url });
    session.on("error", () => {});
    await session.connect();
    await session.query("CREATE TABLE t AS SELECT n FROM generate_series(1, 100000) n");
    await session.query("BEGIN; INSERT INTO t SELECT 0");
    process.kill(server.pid, "SIGKILL");
    await server.ended;
    const next = await start(folder); // the old sessions may still be ending
    expect(await ask(next.url, "SELECT count(*)::int, min(n) FROM t")).toEqual([[100000, 1]]);
    expect(readFileSync(join(folder, "log"), "utf8")).toContain("automatic recovery in progress");
  });

  test.runIf(process.platform === "linux")(
    "of the machine, another program with the old process id is no hindrance",
    async () => {
      const folder = copyOfMade("reused");
      writeFileSync(
        join(folder, "cluster", "postmaster.pid"),
        `${process.ppid}\n${folder}/cluster\n0\n1\n\n127.0.0.1\n0 0\nready\n`,
        { mode: 0o600 },
      );
      expect(await ask((await start(folder)).url, keptRows)).toEqual([[1000]]);
    },
  );
});

describe("a folder in use", () => {
  test("is refused while its owner lives, who does not notice", async () => {
    const folder = copyOfMade("in-use");
    const elsewhere = await startElsewhere(
      folder,
      'process.on("SIGTERM", async () => { await server.stop(); process.exit(0); })',
    );
    await expect(start(folder)).rejects.toThrow(
      `${folder}/cluster is in use by the Guidepost with process id ${elsewhere.child.pid}; stop that one, or point GUIDEPOST_DATA elsewhere.`,
    );
    expect(await ask(elsewhere.url, keptRows)).toEqual([[1000]]);
    elsewhere.child.kill("SIGTERM");
    expect(await once(elsewhere.child, "close")).toEqual([0, null]);
    expect(await ask((await start(folder)).url, keptRows)).toEqual([[1000]]);
  });
});

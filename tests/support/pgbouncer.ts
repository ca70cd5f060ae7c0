import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePort } from "./free-port.ts";

/** Where Debian puts it. Null where it is not installed. */
export const pgbouncerPath = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].find((path) => existsSync(path)) ?? null;

export interface Pgbouncer {
  /** The pooled address of the database behind it. */
  readonly url: string;
  /** How many connections to the server it has open, of at most so many. */
  readonly poolSize: number;
  stop(): Promise<void>;
}

/** PgBouncer as Debian ships it, giving out a few connections by transaction: of its settings only those that it must have. */
export async function startPgbouncer(databaseUrl: string, poolSize: number): Promise<Pgbouncer> {
  const server = new URL(databaseUrl);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "guidepost-pgbouncer-"));
  const database = server.pathname.slice(1);
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "plain",
    auth_file: join(folder, "users.txt"),
    pool_mode: "transaction",
    default_pool_size: poolSize,
    max_client_conn: 500,
    server_reset_query: "", // as in its own documentation of pooling by transaction: nothing is reset between two clients
  };
  await writeFile(join(folder, "users.txt"), `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  await writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]\n${database} = host=${server.hostname} port=${server.port} dbname=${database}\n\n[pgbouncer]\n${Object.entries(
      settings,
    )
      .map(([name, value]) => `${name} = ${value}\n`)
      .join("")}`,
  );
  // It refuses to run as root, and changes to a user of that name itself.
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn(pgbouncerPath!, [...asUser, join(folder, "pgbouncer.ini")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  await answers(url.href, child, () => said);
  return {
    url: url.href,
    poolSize,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, child: ChildProcess, said: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended: ${said()}`);
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return;
    } catch {
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
  throw new Error(`pgbouncer does not answer: ${said()}`);
}

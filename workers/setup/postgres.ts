import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, realpath, rename, rm, statfs, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { toVariables } from "#lib/env.ts";
import { makeFolder } from "#lib/storage/durable.ts";
import { findPostgres, type PostgresBinaries } from "./postgres-binaries.ts";
import { type PostgresPlace, postgresFailure } from "./postgres-failure.ts";
import { findIdentity, type PostgresIdentity } from "./postgres-identity.ts";
import { clusterName, endOrphan, postmasterFile } from "./postgres-orphan.ts";

export interface PostgresOptions {
  /** Made if missing; see the drawing below. */
  readonly folder: string;
  /** Settings as in postgresql.conf, for this start only. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly identity?: PostgresIdentity;
}

export interface RunningPostgres {
  /** Of the database `guidepost`, with user and password. */
  readonly url: string;
  readonly how: string;
  readonly pid: number;
  /** Settles when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** Ends the sessions, then the server. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on 127.0.0.1; makes its cluster the first time. A server that a killed process left on the same
 * folder is ended first; a folder in use is refused.
 *
 *   folder/
 *     cluster/         PGDATA, with our file `password` (0600) in it; made as cluster.new-*, so never seen half-made
 *     port             of the last start, tried first
 *     log  log.old     what the server said since this start, and since the one before
 */
export async function startPostgres({
  folder,
  settings = {},
  identity = findIdentity(),
}: PostgresOptions): Promise<RunningPostgres> {
  let place: PostgresPlace = { folder, how: identity.how };
  try {
    const binaries = await findPostgres();
    await makeFolder(folder, 0o700);
    place = { ...place, folder: await realpath(folder) };
    const cluster = join(place.folder, "cluster");
    await endOrphan(cluster);
    await identity.own(place.folder);
    if (existsSync(cluster)) await chmod(cluster, 0o700); // a restored copy may have lost the mode that PostgreSQL asks for
    else await makeCluster(cluster, binaries, identity);
    return await launch(place, binaries, identity, settings);
  } catch (cause) {
    throw postgresFailure("starting", place, cause);
  }
}

/** Nothing of our own environment: PGPORT and its like would speak to the server. */
const environment = toVariables({ LC_ALL: "C", TZ: "UTC" });

async function makeCluster(cluster: string, { initdb }: PostgresBinaries, identity: PostgresIdentity): Promise<void> {
  const side = await mkdtemp(`${cluster}.new-`);
  const password = `${side}.password`; // beside it: initdb wants its folder empty
  try {
    await writeFile(password, randomBytes(24).toString("hex"), { mode: 0o600, flush: true });
    await Promise.all([side, password].map((path) => identity.own(path)));
    // The builtin provider sorts and folds alike on every system, whatever locales are installed.
    const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    const child = identity.spawn(
      initdb,
      ["-D", side, "-U", "guidepost", `--pwfile=${password}`, "--auth=scram-sha-256", ...locale],
      { env: environment, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    child.stderr?.on("data", (piece: Buffer) => (said += piece.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(said || `initdb ended with ${code}`);
    await rename(password, join(side, "password"));
    await rename(side, cluster);
  } catch (cause) {
    await Promise.all([side, password].map((path) => rm(path, { recursive: true, force: true })));
    if (!existsSync(cluster)) throw cause; // else another start was quicker, and this one will find the folder in use
  }
}

const RETRY_SECONDS = 20; // the sessions of a server that was killed go on for up to 6 s

async function launch(
  place: PostgresPlace,
  { postgres }: PostgresBinaries,
  identity: PostgresIdentity,
  settings: Readonly<Record<string, string>>,
): Promise<RunningPostgres> {
  const [cluster, log, portFile] = [
    join(place.folder, "cluster"),
    join(place.folder, "log"),
    join(place.folder, "port"),
  ];
  await rename(log, `${log}.old`).catch(() => {}); // the first start has none
  for (const began = Date.now(); ; await sleep(250)) {
    const port = await freePort(await readFile(portFile, "utf8").catch(() => ""));
    const all = {
      listen_addresses: "127.0.0.1",
      port: `${port}`,
      unix_socket_directories: "",
      cluster_name: clusterName(process.pid),
      timezone: "UTC",
      log_timezone: "UTC",
      log_checkpoints: "off",
      ...settings,
    };
    const args = ["-D", cluster, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
    const output = openSync(log, "w", 0o600);
    // Detached: Ctrl-C must not reach the server before the worker and the web process have finished with it.
    const child = identity.spawn(postgres, args, {
      env: environment,
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    const server = supervise(child);
    try {
      if (await isReady(child, cluster)) {
        await writeFile(portFile, `${port}`);
        return { ...server, how: place.how, url: await prepareDatabase(cluster, port) };
      }
    } catch (cause) {
      await server.stop();
      throw cause;
    }
    const said = readFileSync(log, "utf8") || (await lastWords(place.folder));
    const mayPass =
      /Address already in use|pre-existing shared memory block/.test(said) && Date.now() - began < RETRY_SECONDS * 1000;
    if (!mayPass) throw postgresFailure("starting", place, said);
  }
}

/** On a full disk PostgreSQL cannot even write down why it ends. */
async function lastWords(folder: string): Promise<string> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < 1e6 ? "No space left on device" : "it ended without a word";
}

function supervise(child: ChildProcess): Pick<RunningPostgres, "pid" | "ended" | "stop"> {
  const interrupt = (): void => void child.kill("SIGINT"); // PostgreSQL's “fast”: roll back, end the sessions, checkpoint
  process.once("exit", interrupt);
  const ended = once(child, "close").then(
    () => void process.off("exit", interrupt),
    () => {},
  );
  const stop = async (): Promise<void> => {
    for (const [signal, seconds] of [
      ["SIGINT", 30],
      ["SIGQUIT", 5],
      ["SIGKILL", 5],
    ] as const) {
      if (!isRunning(child)) break;
      child.kill(signal);
      await Promise.race([ended, sleep(seconds * 1000, undefined, { ref: false })]);
    }
    await ended;
  };
  return { pid: child.pid ?? 0, ended, stop };
}

const READY_SECONDS = 120; // recovery after a crash replays at most 1 GB of log

async function isReady(child: ChildProcess, cluster: string): Promise<boolean> {
  for (const began = Date.now(); isRunning(child); await sleep(10)) {
    const file = postmasterFile(cluster);
    if (file[0] === `${child.pid}` && file[7]?.trim() === "ready") return true;
    if (Date.now() - began > READY_SECONDS * 1000) throw new Error(`not ready after ${READY_SECONDS} s`);
  }
  return false;
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Makes the database where it is missing, and clears away what killed first starts left. */
async function prepareDatabase(cluster: string, port: number): Promise<string> {
  const password = (await readFile(join(cluster, "password"), "utf8")).trim();
  const url = (database: string): string => `postgresql://guidepost:${password}@127.0.0.1:${port}/${database}`;
  const client = new pg.Client(url("postgres"));
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'guidepost'");
    if (rowCount === 0) await client.query("create database guidepost");
  } finally {
    await client.end();
  }
  const folder = dirname(cluster);
  const left = (await readdir(folder)).filter((name) => name.startsWith("cluster.new-"));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
  return url("guidepost");
}

async function freePort(preferred: string): Promise<number> {
  return listenOnce(/^\d{4,5}$/.test(preferred) ? Number(preferred) : 0).catch(() => listenOnce(0));
}

async function listenOnce(port: number): Promise<number> {
  const probe = createServer().listen(port, "127.0.0.1");
  await once(probe, "listening");
  const { port: found } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return found;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toVariables } from "#lib/env.ts";

const ownDoor = fileURLToPath(new URL("../../guidepost.js", import.meta.url));

export type ProcessName = "start" | "web" | "worker" | "postgres";

/** A hub as `npm start` makes it, in processes of its own. */
export interface RunningHub {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has said so far. */
  said(): string;
  /** Process ids by what they run, as /proc knows them now. */
  processes(): ReadonlyMap<ProcessName, number>;
  /** As Ctrl-C does. @returns its exit code */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  readonly folder: string;
  readonly port: number;
  readonly variables?: Readonly<Record<string, string>>;
  /** The guidepost.js of another checkout. */
  readonly door?: string;
}

const inherited = ["PATH", "HOME", "TMPDIR"]; // the rest of the environment of a test must not reach a hub

export function launchHub(
  { folder, port, variables = {}, door = ownDoor }: StartOptions,
  options: { readonly uid?: number } = {},
): { readonly child: ChildProcess; said: () => string } {
  const env = toVariables({
    ...Object.fromEntries(inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    GUIDEPOST_DATA: folder,
    PORT: String(port),
    ...variables,
  });
  const child = spawn(process.execPath, [door, "start"], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return { child, said: () => text };
}

/** Starts a hub and waits until it says that it is ready. */
export async function startHub(options: StartOptions): Promise<RunningHub> {
  const { child, said } = launchHub(options);
  const ended = once(child, "exit");
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", () => said().includes("Ready at ") && resolve());
    void ended.then(() => reject(new Error(`The hub ended while it started:\n${said()}`)));
  });
  return {
    url: /Ready at (\S+)/.exec(said())![1]!,
    child,
    said,
    processes: () => processesOf(options.folder),
    stop: async () => {
      process.kill(-child.pid!, "SIGINT"); // the whole group, as a terminal does
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}

/** Which processes work on this data folder, from what stands in their environment or, for PostgreSQL, on its command line. */
export function processesOf(folder: string): ReadonlyMap<ProcessName, number> {
  const found = new Map<ProcessName, number>();
  const scripts = [
    ["start", "workers/setup/start.ts"],
    ["web", "workers/setup/web.ts"],
    ["worker", "workers/hub/main.ts"],
  ] as const;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (command.includes(`-D ${join(folder, "postgres/cluster")} `)) found.set("postgres", Number(pid));
      const name = scripts.find(([, script]) => command.trimEnd().endsWith(script))?.[0];
      if (name && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`GUIDEPOST_DATA=${folder}\0`))
        found.set(name, Number(pid));
    } catch {
      // ended meanwhile
    }
  }
  return found;
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "guidepost-start-"));

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** The end of a log of the hub, for the message of a test that fails. */
export const logOf = (folder: string, name: "web" | "worker"): Promise<string> =>
  readFile(join(folder, `log/${name}.log`), "utf8").then(
    (text) => text.slice(-3000),
    () => "",
  );

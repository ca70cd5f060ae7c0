import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { env } from "#lib/env.ts";
import { isRunning, processName } from "./process-name.ts";

/** `folders`: commits, laid out; `runs`: guides that are being made. */
export type OwnFolder = "folders" | "runs";

const made = new Map<OwnFolder, Promise<string>>();

/** The folder of this process for something: <data>/cache/<what>/<host>-<pid>. Those of processes that were killed are removed first. */
export function ownFolder(what: OwnFolder): Promise<string> {
  const known = made.get(what) ?? make(what);
  made.set(what, known);
  return known;
}

async function make(what: OwnFolder): Promise<string> {
  const all = join(env().dataFolder, "cache", what);
  await mkdir(all, { recursive: true });
  for (const name of await readdir(all))
    if (isRunning(name) === false) await rm(join(all, name), { recursive: true, force: true });
  return join(all, processName);
}

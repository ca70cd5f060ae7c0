import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { lchown, lstat, readdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { AppError } from "#lib/errors.ts";

/** As whom PostgreSQL runs: it refuses user id 0, and initdb wants a user that /etc/passwd names. */
export interface PostgresIdentity {
  /** For people: "in a user namespace", "as user nobody", "as this user". */
  readonly how: string;
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  /** Gives a file, or a folder with all in it, to this identity. Does nothing where it is the owner already. */
  own(path: string): Promise<void>;
}

/**
 * The first of these that works here: this user, when it is an ordinary one; a user namespace, where PostgreSQL sees itself as
 * nobody and the file system still sees us, so that a private home folder stays reachable; the users postgres and nobody.
 */
export function findIdentity(): PostgresIdentity {
  const found = asSelf() ?? inNamespace() ?? asUser("postgres") ?? asUser("nobody");
  if (found) return found;
  throw new AppError(
    "internal",
    "PostgreSQL cannot run as root, and this machine has no user namespaces and no user postgres or nobody; start as an ordinary user, or set DATABASE_URL.",
  );
}

export function asSelf(): PostgresIdentity | null {
  if (process.getuid?.() === 0 || !hasName()) return null;
  return { how: "as this user", spawn, own: async () => {} };
}

const namespace = ["--user", "--map-user=65534", "--map-group=65534", "--"]; // 65534 is nobody on every Linux

export function inNamespace(): PostgresIdentity | null {
  if (process.platform !== "linux" || spawnSync("unshare", [...namespace, "true"]).status !== 0) return null;
  return {
    how: "in a user namespace",
    spawn: (program, args, options) => spawn("unshare", [...namespace, program, ...args], options),
    own: (path) => give(path, process.getuid!(), process.getgid!()),
  };
}

/** Only root can become someone else. */
export function asUser(name: string): PostgresIdentity | null {
  const ids = process.getuid?.() === 0 ? lookUp(name) : null;
  if (!ids) return null;
  return {
    how: `as user ${name}`,
    spawn: (program, args, options) => spawn(program, args, { ...options, ...ids }),
    own: (path) => give(path, ids.uid, ids.gid),
  };
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false; // a container started with an arbitrary user id
  }
}

function lookUp(name: string): { readonly uid: number; readonly gid: number } | null {
  const [, , uid, gid] = (
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.startsWith(`${name}:`)) ?? ""
  ).split(":");
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}

async function give(path: string, uid: number, gid: number): Promise<void> {
  const facts = await lstat(path);
  if (facts.uid === uid) return;
  if (facts.isDirectory()) for (const name of await readdir(path)) await give(join(path, name), uid, gid);
  await lchown(path, uid, gid); // last, so that a folder that was given is known to be given whole
}

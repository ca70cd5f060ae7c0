import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";

/** The name a server carries on its command line: whose child it was born. */
export const clusterName = (owner: number): string => `guidepost-${owner}`;

/** The lines of postmaster.pid: process id, folder, start, port, …, and last the state ("starting", "ready"). Empty without a server. */
export function postmasterFile(cluster: string): readonly string[] {
  try {
    return readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}

/**
 * Ends the server that a Guidepost killed with SIGKILL left behind on this cluster, and waits until it has let go. Refuses when
 * that Guidepost still lives. A server whose parent is no longer the one on its command line has been orphaned.
 */
export async function endOrphan(cluster: string): Promise<void> {
  const pid = Number(postmasterFile(cluster)[0]);
  if (!pid) return;
  const server = describe(pid);
  if (!server?.command.includes(`-D ${cluster} `)) return forgetReusedPid(cluster, pid);
  if (server.command.includes(`${clusterName(server.parent)} `)) {
    throw new AppError(
      "internal",
      `${cluster} is in use by the Guidepost with process id ${server.parent}; stop that one, or point GUIDEPOST_DATA elsewhere.`,
      { pid, owner: server.parent },
    );
  }
  // Waiting for the process would not do: without an init that reaps it stays a zombie.
  const held = (): boolean => Number(postmasterFile(cluster)[0]) === pid;
  for (const [signal, seconds] of [
    ["SIGINT", 30],
    ["SIGQUIT", 5],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ESRCH") return;
      throw new AppError(
        "internal",
        `The PostgreSQL with process id ${pid} on ${cluster} belongs to another user; end it as that user and start again.`,
        { pid },
        cause,
      );
    }
    for (let waited = 0; held() && waited < seconds; waited += 0.02) await sleep(20);
    if (!held()) return;
  }
  throw new AppError(
    "internal",
    `The PostgreSQL with process id ${pid} was left on ${cluster} and does not end; end it by hand and start again.`,
    { pid },
  );
}

/**
 * After a power cut, or in a restarted container, another program may have the process id that postmaster.pid names, and
 * PostgreSQL would refuse to start for ever. The file may go only when no process at all works in the cluster.
 */
function forgetReusedPid(cluster: string, pid: number): void {
  if (process.platform !== "linux" || !describe(pid)) return; // nobody has that id: PostgreSQL sees so by itself
  const isInside = (name: string): boolean => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`) === cluster;
    } catch {
      return false; // ended meanwhile, or not ours to see
    }
  };
  if (!readdirSync("/proc").some(isInside)) rmSync(join(cluster, "postmaster.pid"), { force: true });
}

function describe(pid: number): { readonly parent: number; readonly command: string } | null {
  try {
    if (process.platform === "linux") {
      const afterName = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!; // “id (name) state parent …”
      return {
        parent: Number(afterName.split(" ")[1]),
        command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "),
      };
    }
    const [parent, ...command] = execFileSync("ps", ["-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    return { parent: Number(parent), command: `${command.join(" ")} ` };
  } catch {
    return null;
  }
}

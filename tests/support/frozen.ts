import { execFileSync } from "node:child_process";

/** Stops a server and all its processes, those too that it starts meanwhile: connections stand, and nobody answers on them. */
export function freeze(pid: number): void {
  process.kill(pid, "SIGSTOP"); // first: from now on it starts no more
  for (const child of childrenOf(pid)) process.kill(child, "SIGSTOP");
}

export function thaw(pid: number): void {
  for (const child of childrenOf(pid)) process.kill(child, "SIGCONT");
  process.kill(pid, "SIGCONT");
}

const childrenOf = (pid: number): number[] =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (child && parent === pid ? [child] : []));

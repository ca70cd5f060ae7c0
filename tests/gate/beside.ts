import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Figure, GateLength, GateStage } from "./gate.ts";

/** Another client waits at most so long for 99 of 100 answers while somebody does harm. */
const P99_MS = 250;
/** The web process takes at most so much more memory than when idle. Where it was not idle before, it comes to its usual size meanwhile. */
const MORE_MB: Readonly<Record<GateLength, number>> = { full: 200, short: 500 };
/** One go of an attack keeps the web process's processors busy for at most so long, with what others ask meanwhile. */
const GO_MS = 2500;

const FULL_SECONDS = 20;
/** How often each of the paths is asked for in the short form, however long that takes. */
const SHORT_ROUNDS = 5;
const PAUSE_MS = 20; // a person or a program that asks, waits for the answer, and asks again

/**
 * What others feel of an attack: the times that one other client waits for `paths`, what the web process computes, and its resident
 * memory, while nothing else happens and then while `attack` is repeated until the time is over.
 * @param attack one go; what it answers does not count, and where it throws it goes on
 */
export async function beside(
  name: string,
  { hub, ben }: GateStage,
  paths: readonly string[],
  length: GateLength,
  attack: (signal: AbortSignal) => Promise<unknown>,
): Promise<readonly Figure[]> {
  const ask = (isOver: (asked: number) => boolean): Promise<number[]> =>
    waitsFor(hub.url, ben.authorization, paths, isOver);
  const askOut = (): Promise<number[]> =>
    ask(length === "full" ? after(FULL_SECONDS) : (asked) => asked === SHORT_ROUNDS * paths.length);
  await ask(length === "full" ? after(2) : (asked) => asked === paths.length); // every page has been asked for once
  const idle = length === "full" ? await askOut() : null;
  const web = watch(hub.processes().get("web"));
  const over = new AbortController();
  const attacking = repeat(attack, over.signal);
  const loaded = await askOut();
  over.abort();
  const goes = await attacking;
  const { megabytes, milliseconds } = web.stop();
  return [
    { what: `${name}: goes of the attack`, value: goes, unit: "", atLeast: 1 },
    ...(idle
      ? [{ what: `${name}: another client's p99, idle`, value: percentile(idle, 0.99), unit: "ms" as const }]
      : []),
    { what: `${name}: another client's p99`, value: percentile(loaded, 0.99), unit: "ms", atMost: P99_MS },
    { what: `${name}: memory of the web process, more`, value: megabytes, unit: "MB", atMost: MORE_MB[length] },
    { what: `${name}: a go of it`, value: milliseconds / goes, unit: "ms of a processor", atMost: GO_MS },
  ];
}

function after(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() >= end;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

async function waitsFor(
  url: string,
  headers: Readonly<Record<string, string>>,
  paths: readonly string[],
  isOver: (asked: number) => boolean,
): Promise<number[]> {
  const waits: number[] = [];
  for (let next = 0; !isOver(next); next += 1) {
    const began = performance.now();
    const answer = await fetch(url + paths[next % paths.length], { headers });
    await answer.arrayBuffer();
    if (answer.status >= 500) throw new Error(`${paths[next % paths.length]} answered ${answer.status}`);
    waits.push(performance.now() - began);
    await sleep(PAUSE_MS);
  }
  return waits;
}

/** @returns how many goes there were, with the one that the end of the time broke off; none of those that failed by themselves */
async function repeat(attack: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<number> {
  let goes = 0;
  while (!signal.aborted) {
    try {
      await attack(signal);
      goes += 1;
    } catch {
      if (signal.aborted) goes += 1;
      else await sleep(PAUSE_MS);
    }
  }
  return goes;
}

interface Watched {
  /** By how much its resident memory grew, at most. */
  readonly megabytes: number;
  /** For how long it kept processors busy. */
  readonly milliseconds: number;
}

/** What a process takes from here on; NaN, which is within no bound, where it is gone. */
function watch(pid: number | undefined): { stop(): Watched } {
  const [memory, busy] = [residentMegabytes(pid), processorMilliseconds(pid)];
  let peak = memory;
  const timer = setInterval(() => (peak = Math.max(peak, residentMegabytes(pid))), 100);
  return {
    stop: () => {
      clearInterval(timer);
      return {
        megabytes: Math.max(peak, residentMegabytes(pid)) - memory,
        milliseconds: processorMilliseconds(pid) - busy,
      };
    },
  };
}

export function residentMegabytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, "status"))?.[1] ?? NaN) / 1024;
}

const TICKS_MS = 1000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Of all its threads, not of its children. */
function processorMilliseconds(pid: number | undefined): number {
  const fields = read(pid, "stat").split(") ").at(-1)!.split(" "); // its name may have spaces
  return (Number(fields[11] ?? NaN) + Number(fields[12] ?? NaN)) * TICKS_MS;
}

function read(pid: number | undefined, name: "status" | "stat"): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

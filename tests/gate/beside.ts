import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Figure, GateLength, GateStage } from "./gate.ts";

/** Another client waits at most so long for 99 of 100 answers while somebody does harm. */
const P99_MS: Readonly<Record<GateLength, number>> = { full: 250, short: 2500 }; // CI's machine does other work beside
const SECONDS: Readonly<Record<GateLength, number>> = { full: 20, short: 2 };
/** The web process takes at most so much more memory than when idle. */
const MORE_MB = 200;

const PAUSE_MS = 20; // a person or a program that asks, waits for the answer, and asks again

/**
 * What others feel of an attack: the times that one other client waits for `paths`, and the web process's resident memory, while
 * nothing else happens and then while `attack` is repeated until the time is over.
 * @param attack one go; what it answers does not count, and where it throws it goes on
 */
export async function beside(
  name: string,
  { hub, ben }: GateStage,
  paths: readonly string[],
  length: GateLength,
  attack: (signal: AbortSignal) => Promise<unknown>,
): Promise<readonly Figure[]> {
  const seconds = SECONDS[length];
  const ask = (): Promise<number[]> => waitsFor(hub.url, ben.authorization, paths, seconds);
  await waitsFor(hub.url, ben.authorization, paths, Math.min(seconds, 2)); // every page has been asked for once
  const idle = await ask();
  const memory = watchMemory(() => hub.processes().get("web"));
  const over = new AbortController();
  const attacking = repeat(attack, over.signal);
  const loaded = await ask();
  over.abort();
  const goes = await attacking;
  const { before, peak } = memory.stop();
  return [
    { what: `${name}: goes of the attack`, value: goes, unit: "", atLeast: 1 },
    { what: `${name}: another client's p99, idle`, value: percentile(idle, 0.99), unit: "ms" },
    { what: `${name}: another client's p99`, value: percentile(loaded, 0.99), unit: "ms", atMost: P99_MS[length] },
    { what: `${name}: memory of the web process, more`, value: peak - before, unit: "MB", atMost: MORE_MB },
  ];
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

async function waitsFor(
  url: string,
  headers: Readonly<Record<string, string>>,
  paths: readonly string[],
  seconds: number,
): Promise<number[]> {
  const waits: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let next = 0; performance.now() < end; next += 1) {
    const began = performance.now();
    const answer = await fetch(url + paths[next % paths.length], { headers });
    await answer.arrayBuffer();
    if (answer.status >= 500) throw new Error(`${paths[next % paths.length]} answered ${answer.status}`);
    waits.push(performance.now() - began);
    await sleep(PAUSE_MS);
  }
  return waits;
}

async function repeat(attack: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<number> {
  let goes = 0;
  for (; !signal.aborted; goes += 1) await attack(signal).catch(() => sleep(PAUSE_MS));
  return goes;
}

function watchMemory(pidOf: () => number | undefined): { stop(): { readonly before: number; readonly peak: number } } {
  const now = (): number => residentMegabytes(pidOf());
  const before = now();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, now())), 100);
  return {
    stop: () => {
      clearInterval(timer);
      return { before, peak: Math.max(peak, now()) };
    },
  };
}

/** @returns NaN where the process is gone, which is within no bound */
function residentMegabytes(pid: number | undefined): number {
  const status = pid === undefined ? "" : readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1024;
}

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Breaker, Silence } from "#lib/storage/breaker.ts";

/** Something that answers, or hangs; it counts what reaches it. */
class Something {
  isThere = true;
  calls = 0;
  probes = 0;
  readonly breaker: Breaker;

  constructor(patienceMs = 0) {
    this.breaker = new Breaker({
      probe: async () => {
        this.probes += 1;
        await this.#answer();
      },
      probeMs: 50,
      isAway: (cause) => (cause as Error).message === "away",
      patienceMs,
    });
  }

  ask(): Promise<string> {
    this.calls += 1;
    return this.#answer();
  }

  async #answer(): Promise<string> {
    if (!this.isThere) await new Promise(() => {}); // heeds no signal
    return "here";
  }

  call = (deadlineMs = 100_000): Promise<string> => this.breaker.call(() => this.ask(), deadlineMs);
}

test("what hangs is found away by a probe, ends all calls, and gets none until it is back", async () => {
  const something = new Something();
  expect(await something.call()).toBe("here");
  something.isThere = false;
  const calls = Array.from({ length: 20 }, () => something.call());
  for (const call of calls) await expect(call).rejects.toThrow(Silence);
  const reached = something.calls;
  for (let at = 0; at < 100; at += 1) await expect(something.call()).rejects.toThrow(Silence);
  await expect(something.breaker.requireAnswering()).rejects.toThrow(Silence);
  expect(something.calls).toBe(reached);
  something.isThere = true;
  while (something.breaker.isOpen) await sleep(20);
  expect(await something.call()).toBe("here");
  await something.breaker.requireAnswering();
});

test("two calls that say so are enough; any other failure is an answer", async () => {
  const { breaker } = new Something();
  const failing = (message: string) => breaker.call(() => Promise.reject(new Error(message)), 1000);
  for (let at = 0; at < 10; at += 1) await expect(failing("no such object")).rejects.toThrow("no such object");
  expect(breaker.isOpen).toBe(false);
  for (let at = 0; at < 2; at += 1) await expect(failing("away")).rejects.toThrow("away");
  expect(breaker.isOpen).toBe(true);
});

test("a call past its deadline ends, and the others go on", async () => {
  const something = new Something();
  await expect(something.breaker.call(() => new Promise(() => {}), 50)).rejects.toThrow(Silence);
  expect(await something.call()).toBe("here");
});

test("who has not heard of it asks before a link, once for all", async () => {
  const something = new Something();
  await Promise.all(Array.from({ length: 20 }, () => something.breaker.requireAnswering()));
  await something.breaker.requireAnswering();
  expect(something.probes).toBe(1);
  const silent = new Something();
  silent.isThere = false;
  await expect(silent.breaker.requireAnswering()).rejects.toThrow(Silence);
});

test("who has time waits until it is back, or until the time is over", async () => {
  const something = new Something(60_000);
  something.isThere = false;
  const call = something.call();
  while (!something.breaker.isOpen) await sleep(20);
  something.isThere = true;
  expect(await call).toBe("here");
  const impatient = new Something(200);
  impatient.isThere = false;
  await expect(impatient.call(100)).rejects.toThrow(Silence);
});

test("calls leave nothing behind in it", async () => {
  const { breaker } = new Something();
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  for (let at = 0; at < 1000; at += 1) await breaker.call(async () => at, 100_000);
  expect(timers() - before).toBeLessThan(100); // the test's own process has some that come and go
});

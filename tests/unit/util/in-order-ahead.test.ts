import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { inOrderAhead } from "#lib/util/in-order-ahead.ts";

const items = Array.from({ length: 9 }, (_, i) => i);

test("comes in order, whatever is done first, with no more under way than asked for", async () => {
  let [underWay, most] = [0, 0];
  const seen: number[] = [];
  for await (const item of inOrderAhead(items, 3, async (one) => {
    most = Math.max(most, ++underWay);
    await sleep((one * 7) % 5);
    underWay--;
    return one;
  }))
    seen.push(item);
  expect([seen, most]).toEqual([items, 3]);
});

test.each(["one fails", "nobody wants more"])(
  "where %s the rest is told to stop, and has stopped at the end",
  async (how) => {
    let underWay = 0;
    const work = async (item: number, signal: AbortSignal): Promise<number> => {
      underWay++;
      try {
        if (item === 1) throw new Error("no luck");
        if (item > 1) await sleep(60_000, undefined, { signal });
        return item;
      } finally {
        underWay--;
      }
    };
    const read = async (): Promise<void> => {
      for await (const item of inOrderAhead(items, 4, work)) if (item === 0 && how === "nobody wants more") return;
    };
    if (how === "one fails") await expect(read()).rejects.toThrow("no luck");
    else await read();
    expect(underWay).toBe(0);
  },
);

import { expect, test } from "vitest";
import { createTurns } from "#lib/onnx/turns.ts";

test("work is done one after the other in the order it came, and a failure holds up nobody", async () => {
  const inTurn = createTurns();
  const order: string[] = [];
  const work = (name: string, ticks: number) => async (): Promise<string> => {
    order.push(`${name} begins`);
    for (let i = 0; i < ticks; i++) await Promise.resolve();
    order.push(`${name} ends`);
    if (name === "b") throw new Error("b fails");
    return name;
  };
  const all = [inTurn(work("a", 20)), inTurn(work("b", 5)), inTurn(work("c", 1))];
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

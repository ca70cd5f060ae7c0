import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Trained } from "./recompute-child.ts";

/** In a process of its own, whose peak is that of the run. */
async function train(recompute: boolean): Promise<Trained> {
  const child = fork(fileURLToPath(new URL("recompute-child.ts", import.meta.url)), [String(recompute)]);
  const [trained] = (await once(child, "message")) as [Trained];
  return trained;
}

// Linux only: the most that a process held is in /proc.
test.skipIf(process.platform !== "linux")(
  "blocks that are computed again are not kept, whatever the runtime merges",
  async () => {
    const [kept, again] = [await train(false), await train(true)];
    again.gradient.forEach((value, i) => expect(value / kept.gradient[i]!).toBeCloseTo(1, 4));
    expect(again.bytes).toBeLessThan(0.6 * kept.bytes);
  },
);

import { afterAll, expect, test } from "vitest";
import { isWithin } from "./gate.ts";
import { findGate, gateNames } from "./gates.ts";
import { startGateStage } from "./stage.ts";

// The short form of every gate, one after the other on hubs of the same variables. `npm run gate -- NAME` prints the figures.

const stages = new Map<string, ReturnType<typeof startGateStage>>();
const stageWith = (variables: Readonly<Record<string, string>> = {}): ReturnType<typeof startGateStage> => {
  const key = JSON.stringify(variables);
  if (!stages.has(key)) stages.set(key, startGateStage(variables));
  return stages.get(key)!;
};
afterAll(async () => {
  for (const stage of stages.values()) await (await stage).stop();
}, 60_000);

test.for(gateNames)("%s", { timeout: 300_000 }, async (name, { skip }) => {
  const gate = await findGate(name);
  if (gate.skipped) skip(gate.skipped);
  const figures = await gate.run(await stageWith(gate.variables), "short");
  expect(figures.length).toBeGreaterThan(0);
  expect(figures.filter((figure) => !isWithin(figure))).toEqual([]);
});

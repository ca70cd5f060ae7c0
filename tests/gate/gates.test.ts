import { afterAll, expect, test } from "vitest";
import { isWithin, whyNot, type Gate } from "./gate.ts";
import { findGate, gateNames } from "./gates.ts";
import { type StartedGateStage, startGateStage } from "./stage.ts";

// The short form of every gate, one after the other on as few hubs as do. `npm run gate -- NAME` prints the figures.

const gates = await Promise.all(gateNames.map(async (name) => ({ name, gate: await findGate(name) })));
const countOf = ({ variables = {} }: Gate): number => Object.keys(variables).length;
/** Those in a bucket after each other; of the others, who asks much of a hub before those for whom the same does. */
const inTurn = gates.toSorted(
  (a, b) => (a.gate.store ?? "").localeCompare(b.gate.store ?? "") || countOf(b.gate) - countOf(a.gate),
);

let open: StartedGateStage | undefined;
async function stageFor(gate: Gate): Promise<StartedGateStage> {
  if (open?.suits(gate)) return open;
  await open?.stop(); // before the next begins: they would take the processor from each other
  open = undefined;
  return (open = await startGateStage(gate, "short"));
}
afterAll(() => open?.stop());

test.for(inTurn)("$name", { timeout: 600_000 }, async ({ gate }, { skip }) => {
  const reason = whyNot(gate);
  if (reason !== null) skip(reason);
  const figures = await gate.run(await stageFor(gate), "short");
  expect(figures.length).toBeGreaterThan(0);
  expect(figures.filter((figure) => !isWithin(figure, "short"))).toEqual([]);
});

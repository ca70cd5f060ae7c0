import { afterAll, expect, test } from "vitest";
import { isWithin } from "./gate.ts";
import { findGate, gateNames } from "./gates.ts";
import { startGateStage } from "./stage.ts";

// The short form of every gate, one after the other on hubs of the same variables. `npm run gate -- NAME` prints the figures.

type Variables = Readonly<Record<string, string>>;

const gates = await Promise.all(gateNames.map(async (name) => ({ name, gate: await findGate(name) })));
const keyOf = (variables: Variables = {}): string => JSON.stringify(variables);
/** Those of one hub after each other, and it is stopped before the next: a worker that measures would slow what others wait for. */
const inTurn = [...Map.groupBy(gates, ({ gate }) => keyOf(gate.variables)).values()].flat();

let open: { readonly key: string; readonly stage: Awaited<ReturnType<typeof startGateStage>> } | undefined;
async function stageWith(variables?: Variables): Promise<Awaited<ReturnType<typeof startGateStage>>> {
  const key = keyOf(variables);
  if (open?.key !== key) {
    await open?.stage.stop();
    open = undefined;
    open = { key, stage: await startGateStage(variables) };
  }
  return open.stage;
}
afterAll(() => open?.stage.stop(), 60_000);

test.for(inTurn)("$name", { timeout: 600_000 }, async ({ gate }, { skip }) => {
  if (gate.skipped) skip(gate.skipped);
  const figures = await gate.run(await stageWith(gate.variables), "short");
  expect(figures.length).toBeGreaterThan(0);
  expect(figures.filter((figure) => !isWithin(figure))).toEqual([]);
});

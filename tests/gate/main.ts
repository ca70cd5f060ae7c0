import { table } from "../../bench/table.ts";
import { boundsOf, type Figure, type GateLength, isWithin, whyNot } from "./gate.ts";
import { findGate, gateNames } from "./gates.ts";
import { startGateStage } from "./stage.ts";

function bound(figure: Figure, length: GateLength): string {
  const { atMost, atLeast } = boundsOf(figure, length);
  return [atMost === Infinity ? "" : `≤ ${atMost}`, atLeast === -Infinity ? "" : `≥ ${atLeast}`]
    .filter(Boolean)
    .join(", ");
}

async function pass(name: string, length: GateLength): Promise<boolean> {
  const gate = await findGate(name);
  console.log(`${name}: ${gate.about}`);
  const reason = whyNot(gate);
  if (reason !== null) {
    console.log(`skipped: ${reason}`);
    return false;
  }
  const stage = await startGateStage(gate, length);
  try {
    const figures = await gate.run(stage, length);
    const rows = figures.map((figure) => [
      figure.what,
      `${Number.isInteger(figure.value) ? figure.value : figure.value.toFixed(1)} ${figure.unit}`,
      bound(figure, length),
      isWithin(figure, length) ? "" : "FAILED",
    ]);
    console.log(`${table([["measured", "value", "bound", ""], ...rows])}\n`);
    return figures.every((figure) => isWithin(figure, length));
  } finally {
    await stage.stop();
  }
}

const [asked, option] = process.argv.slice(2);
if (asked === undefined || (asked !== "all" && !gateNames.includes(asked))) {
  console.log("npm run gate -- NAME [--short]   or   npm run gate -- all [--short]\n");
  for (const name of gateNames) console.log(`  ${name.padEnd(14)} ${(await findGate(name)).about}`);
  process.exitCode = asked === undefined ? 0 : 2;
} else {
  let passed = true;
  for (const name of asked === "all" ? gateNames : [asked])
    passed = (await pass(name, option === "--short" ? "short" : "full")) && passed;
  process.exitCode = passed ? 0 : 1;
}

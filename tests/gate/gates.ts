import { readdirSync } from "node:fs";
import type { Gate } from "./gate.ts";

const support = new Set(["main", "gate", "gates", "stage", "beside"]);

/** Each gate is a file of this folder, named after it, that exports a value of its name. */
export const gateNames: readonly string[] = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -3))
  .filter((name) => !support.has(name));

export async function findGate(name: string): Promise<Gate> {
  const gate = ((await import(`./${name}.ts`)) as Readonly<Record<string, Gate>>)[name];
  if (!gate) throw new Error(`tests/gate/${name}.ts exports no “${name}”`);
  return gate;
}

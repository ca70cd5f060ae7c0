import type { Graph, Value } from "./graph.ts";

/** What some output of the graph depends on. The rest need not be written: nobody would read it. */
export function readValues({ nodes, outputs }: Graph): ReadonlySet<Value> {
  const read = new Set(outputs.map(({ value }) => value));
  for (const node of nodes.toReversed())
    if (node.outputs.some((output) => read.has(output))) for (const input of node.inputs) read.add(input);
  return read;
}

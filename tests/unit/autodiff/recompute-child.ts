import { differentiate } from "#lib/autodiff/differentiate.ts";
import { silu } from "#lib/nn/activation.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { add, multiply, scalar, sumOver } from "#lib/onnx/ops/math.ts";
import { instanceNorm } from "#lib/onnx/ops/norm.ts";
import { openSession } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { peakMemory } from "../../../bench/peak-memory.ts";

/** What one run took beside what the process held before, and the gradient's first numbers. */
export interface Trained {
  readonly bytes: number;
  readonly gradient: readonly number[];
}

const [recompute] = process.argv.slice(2) as ["true" | "false"];
const shape = [1, 8, 2 ** 17]; // 4 MiB

/** Ten blocks in a row, each of which keeps four tensors for its gradient. */
const graph = new Graph("blocks");
const gain = graph.input("gain", [8, 1]);
let h = graph.input("x", shape);
for (let i = 0; i < 10; i++)
  h = graph.asBlock(() => add(h, silu(multiply(instanceNorm(silu(multiply(h, scalar(h, 0.9))), 1e-5), gain))));
const loss = sumOver(multiply(h, h), [0, 1, 2]);
graph.output("gradient", differentiate(loss, [gain], { recompute: recompute === "true" })[0]!);

const session = await openSession<"gradient">(graph, { provider: "cpu", precision: "float32", threads: 1 });
const feeds = { x: createGenerator(1).randn(shape), gain: tensor(new Float32Array(8).fill(0.5), [8, 1]) };
const before = peakMemory();
const { gradient } = await session.run(feeds);
const trained: Trained = { bytes: peakMemory() - before, gradient: [...gradient.data] };
process.send!(trained, () => process.exit(0));

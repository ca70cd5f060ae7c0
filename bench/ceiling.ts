import { openUNet, joinedGraph } from "#lib/diffusion/unet-networks.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import { matmul } from "#lib/onnx/ops/math.ts";
import { openSession, type Runtime } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { interleave, median } from "./interleave.ts";
import type { Subject } from "./subject.ts";
import { milliseconds, table } from "./table.ts";

interface Row {
  readonly what: string;
  readonly ms: number;
  /** Multiply and add counted apart. */
  readonly gigaflops: number;
}

export interface CeilingResult {
  readonly rounds: number;
  readonly matmul: readonly Row[];
  readonly convolution: readonly Row[];
  readonly step: Row;
  /** The step's speed as a share of the best product and of the best convolution, in the same run. */
  readonly ofMatmul: number;
  readonly ofConvolution: number;
}

const products = [[2048, 2048, 2048], [4096, 1024, 1024], [1024, 4096, 1024]] as const;
const convolutions = [[320, 64], [640, 32], [1280, 16]] as const;

/** A UNet step beside what this machine can do at best through the same runtime: matrix products and 3×3 convolutions. */
export async function benchCeiling({ parts }: Subject, rounds: number, runtime: Runtime): Promise<CeilingResult> {
  const generator = createGenerator(0);
  const unet = await openUNet(parts, runtime);
  const latents = generator.randn([1, parts.unet.config.inChannels, parts.height, parts.width]);
  const text = generator.randn([1, parts.tokens, parts.unet.config.crossAttentionDim]);
  const none = unet.noResiduals(1);

  const kernels = [
    ...products.map(([m, k, n]) => kernel(`matrix product ${m} × ${k} × ${n}`, [m, k], (x) => matmul(x, x.graph.constant(generator.randn([k, n]))))),
    ...convolutions.map(([channels, side]) =>
      kernel(`3×3 convolution, ${channels} channels, ${side} × ${side}`, [1, channels, side, side], (x) => conv(x, x.graph.constant(generator.randn([channels, channels, 3, 3])), null, { padding: evenPadding(1) })),
    ),
  ];
  const subjects: Record<string, () => Promise<unknown>> = { step: () => unet.predict(latents, 801, text, none) };
  const flops: Record<string, number> = { step: 2 * countMacs(joinedGraph(parts)).total };
  for (const { name, graph, shape } of kernels) {
    const session = await openSession<"y">(graph, runtime);
    const x: FloatTensor = generator.randn(shape);
    subjects[name] = () => session.run({ x });
    flops[name] = 2 * countMacs(graph).total;
  }
  const times = await interleave(subjects, rounds);
  await unet.close();

  const row = (name: string): Row => {
    const ms = median(times[name]!);
    return { what: name, ms, gigaflops: flops[name]! / ms / 1e6 };
  };
  const rows = kernels.map(({ name }) => row(name));
  const [best, bestConvolution] = [rows.slice(0, products.length), rows.slice(products.length)].map((list) => Math.max(...list.map(({ gigaflops }) => gigaflops))) as [number, number];
  const step = row("step");
  return { rounds, matmul: rows.slice(0, products.length), convolution: rows.slice(products.length), step, ofMatmul: step.gigaflops / best, ofConvolution: step.gigaflops / bestConvolution };
}

function kernel(name: string, shape: readonly number[], build: (x: Value) => Value): { name: string; graph: Graph; shape: readonly number[] } {
  const graph = new Graph(name);
  graph.output("y", build(graph.input("x", shape)));
  return { name, graph, shape };
}

export function showCeiling({ rounds, matmul: best, convolution, step, ofMatmul, ofConvolution }: CeilingResult): string {
  const cells = ({ what, ms, gigaflops }: Row): string[] => [what, milliseconds(ms), gigaflops.toFixed(0)];
  const rows = [["", "ms median", "GFLOP/s"], ...best.map(cells), ...convolution.map(cells), cells({ ...step, what: "UNet step" })];
  return `${table(rows)}\n\nThe step runs at ${(100 * ofMatmul).toFixed(0)} % of the best product and ${(100 * ofConvolution).toFixed(0)} % of the best convolution; ${rounds} rounds, interleaved.`;
}

import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import { matmul } from "#lib/onnx/ops/math.ts";
import { gather, reshape } from "#lib/onnx/ops/shape.ts";
import { openSession, type Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { interleave, median, ratio } from "./interleave.ts";
import type { Subject } from "./subject.ts";
import { estimate, milliseconds, table } from "./table.ts";

interface Row {
  readonly what: string;
  readonly ms: number;
  /** Multiply and add counted apart: the median and the best of the rounds. */
  readonly gigaflops: number;
  readonly bestGigaflops: number;
}

export interface CeilingResult {
  readonly rounds: number;
  readonly matmul: readonly Row[];
  readonly convolution: readonly Row[];
  readonly step: Row;
  /** The step's speed as a share of the best product's and of the best convolution's, in the same round. */
  readonly ofMatmul: Estimate;
  readonly ofConvolution: Estimate;
}

const products = [
  [2048, 2048, 2048],
  [4096, 1024, 1024],
  [1024, 4096, 1024],
] as const;
const convolutions = [
  [320, 64],
  [640, 32],
  [1280, 16],
] as const;
const KERNEL_RUNS = 3;

/** Something to run over and over: a turn is `runs` of them, so that its weights are as warm as in use. */
interface Contestant {
  readonly what: string;
  readonly runs: number;
  /** Floating-point operations of one run. */
  readonly flops: number;
  run(): Promise<unknown>;
  close(): Promise<void>;
}

/** A UNet step beside what this machine can do at best through the same runtime: matrix products and 3×3 convolutions, weights constant. */
export async function benchCeiling(
  { parts, steps }: Subject,
  rounds: number,
  runtime: Runtime,
): Promise<CeilingResult> {
  const generator = createGenerator(0);
  const weight = (shape: readonly number[], inputs: number): FloatTensor =>
    tensor(
      generator.randn(shape).data.map((value) => value / Math.sqrt(inputs)),
      shape,
    );
  const open = async (what: string, shape: readonly number[], build: (x: Value) => Value): Promise<Contestant> => {
    const graph = kernelGraph(what, shape, build);
    const session = await openSession<"y">(graph, runtime);
    const x = generator.randn(shape);
    return {
      what,
      runs: KERNEL_RUNS,
      flops: 2 * countMacs(graph).total,
      run: () => session.run({ x, row: tensor(Int32Array.of(0), [1]) }),
      close: () => session.close(),
    };
  };
  const matmuls = await Promise.all(
    products.map(([m, k, n]) =>
      open(`matrix product ${m} × ${k} × ${n}`, [m, k], (x) => matmul(x, x.graph.constant(weight([k, n], k)))),
    ),
  );
  const convs = await Promise.all(
    convolutions.map(([channels, side]) =>
      open(`3×3 convolution, ${channels} channels, ${side} × ${side}`, [1, channels, side, side], (x) =>
        conv(x, x.graph.constant(weight([channels, channels, 3, 3], 9 * channels)), null, { padding: evenPadding(1) }),
      ),
    ),
  );
  const unet = await openUNet(parts, runtime);
  const latents = generator.randn([1, parts.unet.config.inChannels, parts.height, parts.width]);
  const text = generator.randn([1, parts.tokens, parts.unet.config.crossAttentionDim]);
  const flops = 2 * countMacs(joinedGraph(parts.unet.config, parts, new RecordingParameters().of)).total;
  const step: Contestant = {
    what: "UNet step",
    runs: steps,
    flops,
    run: () => unet.predict(latents, 801, { text }, null),
    close: () => unet.close(),
  };

  const all = [...matmuls, ...convs, step];
  const times = await interleave(Object.fromEntries(all.map((one) => [one.what, turn(one)])), rounds);
  for (const one of all) await one.close();

  const perRun = ({ what, runs }: Contestant): number[] => times[what]!.map((ms) => ms / runs);
  const speeds = (one: Contestant): number[] => perRun(one).map((ms) => one.flops / ms / 1e6);
  const row = (one: Contestant): Row => ({
    what: one.what,
    ms: median(perRun(one)),
    gigaflops: median(speeds(one)),
    bestGigaflops: Math.max(...speeds(one)),
  });
  const shareOf = (list: readonly Contestant[]): Estimate => {
    const best = list.toSorted((a, b) => median(speeds(b)) - median(speeds(a)))[0]!;
    return ratio(speeds(step), speeds(best));
  };
  return {
    rounds,
    matmul: matmuls.map(row),
    convolution: convs.map(row),
    step: row(step),
    ofMatmul: shareOf(matmuls),
    ofConvolution: shareOf(convs),
  };
}

/** Only a row of the result leaves the graph: the binding copies what does, which would cost a product a tenth of its time. */
function kernelGraph(what: string, shape: readonly number[], build: (x: Value) => Value): Graph {
  const graph = new Graph(what);
  const y = build(graph.input("x", shape));
  const size = sizeOf(y.shape.map(Number));
  const columns = Number(y.shape.at(-1));
  graph.output("y", gather(reshape(y, [size / columns, columns]), graph.input("row", [1], "int32")));
  return graph;
}

const turn =
  ({ runs, run }: Contestant) =>
  async (): Promise<void> => {
    for (let i = 0; i < runs; i++) await run();
  };

export function showCeiling({ rounds, matmul, convolution, step, ofMatmul, ofConvolution }: CeilingResult): string {
  const cells = ({ what, ms, gigaflops, bestGigaflops }: Row): string[] => [
    what,
    milliseconds(ms),
    gigaflops.toFixed(0),
    bestGigaflops.toFixed(0),
  ];
  const rows = [["", "ms median", "GFLOP/s median", "best"], ...[...matmul, ...convolution, step].map(cells)];
  return `${table(rows)}\n\nThe step's speed is ${estimate(ofMatmul)} of the best product's and ${estimate(ofConvolution)} of the best convolution's; ${rounds} rounds, interleaved.`;
}

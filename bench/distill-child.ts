import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { parametersOf } from "#lib/diffusion/unet-networks.ts";
import { parameterLayout } from "#lib/distill/step/parameter-layout.ts";
import { residualGuide, trainingGraph } from "#lib/distill/step/training-graph.ts";
import { openTrainingStep, type TrainingBatch, type TrainingStepOptions } from "#lib/distill/step/training-step.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { gather } from "#lib/onnx/ops/shape.ts";
import { matmul, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { openSession, type Runtime } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { interleave, median } from "./interleave.ts";
import { peakMemory } from "./peak-memory.ts";
import { conditioningFor } from "./random-conditioning.ts";
import { readSubject, type SubjectName } from "./subject.ts";

/** What the process is asked to measure. */
export interface DistillTask {
  readonly batch: number;
  readonly recompute: boolean;
  readonly rounds: number;
  readonly runtime: Runtime;
}

/** A kernel that ran, in the runtime's profile. */
interface KernelEvent {
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name: string };
}

/** The runtime's operators by what they are to us. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  convolutions: ["Conv", "FusedConv", "ConvTranspose"],
  "matrix products": ["MatMul", "FusedMatMul", "Gemm", "MultiHeadAttention"],
};

/** What one process measured. */
export interface DistillFigures {
  readonly openMs: number;
  readonly stepMs: readonly number[];
  readonly stepFlops: number;
  readonly productMs: readonly number[];
  readonly productFlops: number;
  /** The most that the process held until its third step was done (VmHWM). */
  readonly peakBytes: number;
  /** In float32. */
  readonly weightBytes: number;
  /** Of reading and writing the state's vectors and nothing else. */
  readonly copyMs: number;
  /** Of the time within kernels. */
  readonly shares: readonly { readonly what: string; readonly share: number }[];
}

const [name, encoded] = process.argv.slice(2) as [SubjectName, string];
const { batch, recompute, rounds, runtime } = JSON.parse(encoded) as DistillTask;
const { parts, guide } = await readSubject(name);
const layout = parameterLayout(guide.config);
const generator = createGenerator(0);
const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
const vector = (): Float32Array => new Float32Array(layout.length);
const weights = generator.randn([layout.length]).data.map((value) => 0.02 * value);
const initial = { weights, firstMoments: vector(), secondMoments: vector(), average: weights.slice(), steps: 0 };
const options: TrainingStepOptions = {
  base: parts,
  guide: guide.config,
  size: parts,
  batch,
  optimizer,
  initial,
  runtime,
  recompute,
};

const begin = performance.now();
const step = await openTrainingStep(options);
const openMs = performance.now() - begin;
const random = randomBatch();
const rates = { learningRate: 1e-5, averageDecay: 0.999 };
const run = () => step.run(random, rates);
for (let i = 0; i < 3; i++) await run();
const peakBytes = peakMemory();

const { graph: productGraph, flops: productFlops } = product();
const session = await openSession(productGraph, runtime);
const feeds = { x: generator.randn([2048, 2048]), row: tensor(Int32Array.of(0), [1]) };
const times = await interleave({ step: run, product: () => session.run(feeds) }, rounds);
await step.close();
await session.close();

const trained = trainingGraph({
  config: parts.unet.config,
  parameters: parametersOf(parts),
  network: residualGuide(guide.config),
  layout,
  size: parts,
  batch,
  optimizer,
  recompute,
});
const figures: DistillFigures = {
  openMs,
  stepMs: times.step,
  stepFlops: 2 * countMacs(trained).total,
  productMs: times.product,
  productFlops,
  peakBytes,
  weightBytes: 4 * (parts.unet.weights.parameters + layout.length),
  copyMs: await copyTime(),
  shares: await kernelShares(),
};
process.send!(figures, () => process.exit(0));

function randomBatch(): TrainingBatch {
  const { inChannels, outChannels } = parts.unet.config;
  const column = (value: number): Float32Array => new Float32Array(batch).fill(value);
  const conditioning = conditioningFor(parts.unet.config, parts.tokens, generator);
  return {
    latents: generator.randn([batch, inChannels, parts.height, parts.width]),
    timesteps: column(500),
    conditioning: repeatConditioning(conditioning, batch),
    guidanceScales: column(5),
    target: generator.randn([batch, outChannels, parts.height, parts.width]),
    lossWeights: column(0.25),
  };
}

/** 2048 × 2048 × 2048, of which one row leaves the graph: the binding copies what does. */
function product(): { graph: Graph; flops: number } {
  const graph = new Graph("product");
  const y = matmul(graph.input("x", [2048, 2048]), graph.constant(generator.randn([2048, 2048])));
  graph.output("y", gather(y, graph.input("row", [1], "int32")));
  return { graph, flops: 2 * countMacs(graph).total };
}

/** Four vectors as long as the parameters, read and written in place by a graph that hardly computes. */
async function copyTime(): Promise<number> {
  const graph = new Graph("copy");
  const names = ["weights", "firstMoments", "secondMoments", "average"] as const;
  for (const one of names) {
    const input = graph.input(one, [layout.length]);
    graph.output(`next.${one}`, multiply(input, scalar(input, 1.5)));
  }
  const session = await openSession(graph, runtime);
  const state = Object.fromEntries(names.map((one) => [one, tensor(vector(), [layout.length])]));
  const next = Object.fromEntries(names.map((one) => [`next.${one}`, state[one]!]));
  const { copy } = await interleave({ copy: () => session.run(state, next) }, 20);
  await session.close();
  return median(copy);
}

/** By the runtime's own profile of the steps after the first. */
async function kernelShares(): Promise<DistillFigures["shares"]> {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-distill-"));
  const profiled = await openTrainingStep({ ...options, runtime: { ...runtime, profile: join(folder, "profile") } });
  for (let i = 0; i < 3; i++) await profiled.run(random, rates);
  await profiled.close();
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file!), "utf8")) as readonly Partial<KernelEvent>[];
  await rm(folder, { recursive: true });
  const kernels = events.filter((event): event is KernelEvent => event.name?.endsWith("_kernel_time") ?? false);
  const firstRun = new Set<string>();
  const later = kernels.filter(({ name }) => firstRun.has(name) || !firstRun.add(name));
  const timeOf = (some: readonly KernelEvent[]): number => some.reduce((sum, { dur }) => sum + dur, 0);
  return Object.entries(kinds).map(([what, ops]) => ({
    what,
    share: timeOf(later.filter(({ args }) => ops.includes(args.op_name))) / timeOf(later),
  }));
}

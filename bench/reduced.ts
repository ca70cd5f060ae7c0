import { InferenceSession, Tensor } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { f32ToBf16, f32ToF16 } from "#lib/tensor/half.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { relative } from "./conformance/relative.ts";
import { interleave, median, ratio } from "./interleave.ts";
import { type Constant, plainModel, type PlainNode } from "./reduced-model.ts";
import { estimate, milliseconds, table } from "./table.ts";

interface Row {
  readonly layer: string;
  readonly form: string;
  /** Null where the runtime has no such kernel; `why` is what it says. */
  readonly ms: number | null;
  /** Time as a share of float32's in the same round. */
  readonly time: Estimate | null;
  /** ‖y − y of float32‖ / ‖y of float32‖ for inputs and weights of normal noise. */
  readonly error: number | null;
  readonly why: string;
}

export interface ReducedResult {
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/** A layer's operator in one precision: from the input `x` to the value `y`. */
interface Form {
  readonly nodes: readonly PlainNode[];
  readonly constants: readonly Constant[];
}

const generator = createGenerator(0);
const noise = (shape: readonly number[], scale = 1): Float32Array =>
  generator.randn(shape).data.map((value) => scale * value);

/** Layers of SD 1.5 by what they are made of: rows, inputs, outputs; then channels and side of a 3 × 3 convolution. */
const linears = [
  [4096, 320, 320],
  [4096, 320, 2560],
  [1024, 640, 5120],
  [256, 1280, 10_240],
] as const;
const convolutions = [
  [320, 64],
  [640, 32],
  [1280, 16],
] as const;

const KERNEL_RUNS = 4;

/** The runtime's kernels of reduced precision beside those of float32, layer by layer of SD 1.5's UNet. */
export async function benchReduced(rounds: number, runtime: Runtime): Promise<ReducedResult> {
  const rows: Row[] = [];
  for (const [m, k, n] of linears)
    rows.push(...(await compare(`${m} × ${k} × ${n}`, [m, k], n, linearForms(k, n), rounds, runtime)));
  for (const [channels, side] of convolutions) {
    const shape = [1, channels, side, side];
    const name = `3×3, ${channels} at ${side} × ${side}`;
    rows.push(...(await compare(name, shape, side, convolutionForms(channels), rounds, runtime)));
  }
  return { rounds, rows };
}

async function compare(
  layer: string,
  shape: readonly number[],
  columns: number,
  forms: Readonly<Record<string, Form>>,
  rounds: number,
  { threads }: Runtime,
): Promise<Row[]> {
  const x = new Tensor("float32", noise(shape), shape);
  const row = new Tensor("int64", BigInt64Array.of(1n), [1]);
  const sessions = new Map<string, InferenceSession>();
  const missing = new Map<string, string>();
  for (const [name, { nodes, constants }] of Object.entries(forms)) {
    const options: InferenceSession.SessionOptions = {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "extended",
      intraOpNumThreads: threads,
      logSeverityLevel: 4,
      extra: { session: { "intra_op.allow_spinning": "0" } },
    };
    await InferenceSession.create(plainModel(shape, columns, nodes, constants), options).then(
      (session) => sessions.set(name, session),
      (failure: Error) => missing.set(name, failure.message.split("\n")[0]!),
    );
  }
  const outputs = new Map<string, ArrayLike<number>>();
  const run = async (name: string): Promise<void> => {
    for (let i = 0; i < KERNEL_RUNS; i++) {
      const { out } = await sessions.get(name)!.run({ x, row });
      outputs.set(name, out!.data as Float32Array);
    }
  };
  const turns = Object.fromEntries([...sessions.keys()].map((name) => [name, () => run(name)]));
  const times = await interleave(turns, rounds);
  for (const session of sessions.values()) await session.release();
  return Object.keys(forms).map((form): Row => {
    const own = times[form];
    if (!own) return { layer, form, ms: null, time: null, error: null, why: missing.get(form)! };
    const error = relative(outputs.get("float32")!, outputs.get(form)!);
    return { layer, form, ms: median(own) / KERNEL_RUNS, time: ratio(own, times["float32"]!), error, why: "" };
  });
}

const cast = (input: string, output: string, to: number): PlainNode => ({
  op: "Cast",
  inputs: [input],
  outputs: [output],
  attributes: { to },
});

/** Half precision on the way in, through the operator, and back. */
function half(type: "float16" | "bfloat16", op: PlainNode, weight: Constant): Form {
  const to = type === "float16" ? 10 : 16;
  const data = (type === "float16" ? f32ToF16 : f32ToBf16)(weight.data as Float32Array);
  return {
    nodes: [cast("x", "xh", to), { ...op, inputs: ["xh", "w"], outputs: ["yh"] }, cast("yh", "y", 1)],
    constants: [{ ...weight, type, data }],
  };
}

function linearForms(k: number, n: number): Record<string, Form> {
  const data = noise([k, n], 1 / Math.sqrt(k));
  const weight: Constant = { name: "w", type: "float32", shape: [k, n], data };
  const matmul: PlainNode = { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] };
  const { values, scales } = quantiseColumns(data, k, n);
  return {
    float32: { nodes: [matmul], constants: [weight] },
    float16: half("float16", matmul, weight),
    bfloat16: half("bfloat16", matmul, weight),
    "int8, DynamicQuantizeMatMul": {
      nodes: [{ op: "DynamicQuantizeMatMul", domain: "com.microsoft", inputs: ["x", "w", "s"], outputs: ["y"] }],
      constants: [
        { name: "w", type: "int8", shape: [k, n], data: values },
        { name: "s", type: "float32", shape: [n], data: scales },
      ],
    },
    "4 bits, MatMulNBits, float32": blockwise(data, k, n, 4, 1),
    "4 bits, MatMulNBits, int8": blockwise(data, k, n, 4, 4),
    "8 bits, MatMulNBits, int8": blockwise(data, k, n, 8, 4),
  };
}

/** A scale for each column: the largest becomes 127. */
export function quantiseColumns(data: Float32Array, k: number, n: number): { values: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(n);
  for (let i = 0; i < k * n; i++) scales[i % n] = Math.max(scales[i % n]!, Math.abs(data[i]!) / 127);
  return { values: Int8Array.from(data, (value, i) => Math.round(value / scales[i % n]!)), scales };
}

const BLOCK = 32;

/** Blocks of 32 numbers of a column share a scale; zero lies in the middle. `level` is what the products are computed in: 1 float32, 4 int8. */
function blockwise(data: Float32Array, k: number, n: number, bits: 4 | 8, level: number): Form {
  const blocks = k / BLOCK;
  const middle = 2 ** (bits - 1);
  const packed = new Uint8Array((n * k * bits) / 8);
  const scales = new Float32Array(n * blocks);
  for (let column = 0; column < n; column++) {
    for (let block = 0; block < blocks; block++) {
      let most = 1e-12;
      for (let i = 0; i < BLOCK; i++) most = Math.max(most, Math.abs(data[(block * BLOCK + i) * n + column]!));
      const scale = most / (middle - 1);
      scales[column * blocks + block] = scale;
      for (let i = 0; i < BLOCK; i++) {
        const value = Math.round(data[(block * BLOCK + i) * n + column]! / scale) + middle;
        const place = column * k + block * BLOCK + i;
        if (bits === 8) packed[place] = value;
        else packed[place >> 1]! |= value << (4 * (place & 1));
      }
    }
  }
  const attributes = { K: k, N: n, bits, block_size: BLOCK, accuracy_level: level };
  return {
    nodes: [{ op: "MatMulNBits", domain: "com.microsoft", inputs: ["x", "w", "s"], outputs: ["y"], attributes }],
    constants: [
      { name: "w", type: "uint8", shape: [n, blocks, (BLOCK * bits) / 8], data: packed },
      { name: "s", type: "float32", shape: [n * blocks], data: scales },
    ],
  };
}

function convolutionForms(channels: number): Record<string, Form> {
  const shape = [channels, channels, 3, 3];
  const inputs = 9 * channels;
  const data = noise(shape, 1 / Math.sqrt(inputs));
  const weight: Constant = { name: "w", type: "float32", shape, data };
  const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const conv: PlainNode = { op: "Conv", inputs: ["x", "w"], outputs: ["y"], attributes };
  // A scale for each output: rows of the weight seen as [outputs, inputs].
  const scales = new Float32Array(channels);
  data.forEach((value, i) => {
    const out = Math.floor(i / inputs);
    scales[out] = Math.max(scales[out]!, Math.abs(value) / 127);
  });
  const values = Int8Array.from(data, (value, i) => Math.round(value / scales[Math.floor(i / inputs)]!));
  return {
    float32: { nodes: [conv], constants: [weight] },
    float16: half("float16", conv, weight),
    bfloat16: half("bfloat16", conv, weight),
    "int8, ConvInteger": {
      nodes: [
        { op: "DynamicQuantizeLinear", inputs: ["x"], outputs: ["xq", "xs", "xz"] },
        { op: "ConvInteger", inputs: ["xq", "w", "xz"], outputs: ["yi"], attributes },
        cast("yi", "yf", 1),
        { op: "Mul", inputs: ["s", "xs"], outputs: ["ss"] },
        { op: "Mul", inputs: ["yf", "ss"], outputs: ["y"] },
      ],
      constants: [
        { name: "w", type: "int8", shape, data: values },
        { name: "s", type: "float32", shape: [channels, 1, 1], data: scales },
      ],
    },
  };
}

export function showReduced({ rounds, rows }: ReducedResult): string {
  const cells = rows.map(({ layer, form, ms, time, error, why }) =>
    ms === null
      ? [`${layer}, ${form}`, "none", "", why.slice(0, 60)]
      : [`${layer}, ${form}`, milliseconds(ms), estimate(time!), error!.toExponential(1)],
  );
  return `${table([["layer", "ms", "time / float32", "error"], ...cells])}\n\n${rounds} rounds, interleaved.`;
}

import { describe, expect, test } from "vitest";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import {
  add,
  cast,
  divide,
  matmul,
  matmulTransposed,
  multiply,
  squareRoot,
  subtract,
  sumOver,
} from "#lib/onnx/ops/math.ts";
import { instanceNorm, layerNorm } from "#lib/onnx/ops/norm.ts";
import { concat, gather, reshape, split, transpose, upsampleNearest } from "#lib/onnx/ops/shape.ts";
import { openSession } from "#lib/onnx/session.ts";
import { gelu, quickGelu, silu } from "#lib/nn/activation.ts";
import { sinusoid } from "#lib/nn/embedding.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { largestDifference } from "../../support/close-to.ts";
import { testRuntime } from "../../support/golden.ts";

const generator = createGenerator(3);
const draw = (...shape: number[]): FloatTensor => generator.randn(shape);

/** Runs what `build` makes of the inputs, the first axis of each being the batch. */
async function run(inputs: readonly FloatTensor[], build: (...values: Value[]) => Value): Promise<FloatTensor> {
  const graph = new Graph("test");
  const values = inputs.map(({ shape }, i) => graph.input(`x${i}`, ["batch", ...shape.slice(1)]));
  graph.output("y", build(...values));
  const session = await openSession<"y">(graph, testRuntime);
  const { y } = await session.run(Object.fromEntries(inputs.map((input, i) => [`x${i}`, input])));
  await session.close();
  return y;
}

/** A tensor by the value at each index. */
function fill(shape: readonly number[], at: (...index: number[]) => number): FloatTensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = flat; axis >= 0; rest = Math.floor(rest / shape[axis--]!))
      index.unshift(rest % shape[axis]!);
    return at(...index);
  });
  return tensor(data, shape);
}

const reader =
  ({ shape, data }: FloatTensor) =>
  (...index: number[]): number =>
    index.some((i, axis) => i < 0 || i >= shape[axis]!)
      ? 0
      : data[index.reduce((flat, i, axis) => flat * shape[axis]! + i, 0)]!;

const sum = (count: number, of: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => of(i)).reduce((total, value) => total + value, 0);

describe("operators run in the runtime and give what their definition says", () => {
  test("convolution, with stride and with uneven padding", async () => {
    const [x, w, b] = [draw(2, 3, 7, 5), draw(4, 3, 3, 3), draw(4)];
    const [X, W, B] = [reader(x), reader(w), reader(b)];
    const at = (stride: number, top: number, left: number) => (n: number, o: number, i: number, j: number) =>
      B(o) +
      sum(3, (c) => sum(3, (u) => sum(3, (v) => X(n, c, i * stride + u - top, j * stride + v - left) * W(o, c, u, v))));
    const weights = (graph: Graph): [Value, Value] => [graph.constant(w), graph.constant(b)];
    const even = await run([x], (value) =>
      conv(value, ...weights(value.graph), { stride: 2, padding: evenPadding(1) }),
    );
    expect(largestDifference(even, fill([2, 4, 4, 3], at(2, 1, 1)))).toBeLessThan(1e-5);
    const uneven = await run([x], (value) =>
      conv(value, ...weights(value.graph), { stride: 2, padding: { top: 0, left: 0, bottom: 1, right: 1 } }),
    );
    expect(largestDifference(uneven, fill([2, 4, 3, 2], at(2, 0, 0)))).toBeLessThan(1e-5);
  });

  test("matrix products, plain and with the second one transposed", async () => {
    const [x, w] = [draw(2, 5, 3), draw(4, 3)];
    const [X, W] = [reader(x), reader(w)];
    const expected = fill([2, 5, 4], (n, i, o) => sum(3, (k) => X(n, i, k) * W(o, k)));
    expect(
      largestDifference(await run([x], (value) => matmulTransposed(value, value.graph.constant(w))), expected),
    ).toBeLessThan(1e-5);
    const [a, b] = [draw(5, 3), draw(3, 2)];
    const [many, more] = [draw(2, 4, 3), draw(2, 3, 5)];
    const batched = fill([2, 4, 5], (n, i, j) => sum(3, (k) => reader(many)(n, i, k) * reader(more)(n, k, j)));
    expect(largestDifference(await run([many, more], (p, q) => matmul(p, q)), batched)).toBeLessThan(1e-5);
    const product = fill([5, 2], (i, j) => sum(3, (k) => reader(a)(i, k) * reader(b)(k, j)));
    expect(largestDifference(await run([a], (value) => matmul(value, value.graph.constant(b))), product)).toBeLessThan(
      1e-5,
    );
  });

  test.each([false, true])("attention, causal: %s", async (causal) => {
    const [heads, size] = [2, 4];
    const [q, k, v] = [
      draw(2, 3, heads * size),
      draw(2, causal ? 3 : 5, heads * size),
      draw(2, causal ? 3 : 5, heads * size),
    ];
    const [Q, K, V] = [reader(q), reader(k), reader(v)];
    const keys = k.shape[1]!;
    const expected = fill(q.shape, (n, i, channel) => {
      const head = Math.floor(channel / size) * size;
      const scores = Array.from({ length: keys }, (_, j) =>
        causal && j > i ? -Infinity : sum(size, (c) => Q(n, i, head + c) * K(n, j, head + c)) / Math.sqrt(size),
      );
      const weights = scores.map((score) => Math.exp(score));
      return sum(keys, (j) => weights[j]! * V(n, j, channel)) / sum(keys, (j) => weights[j]!);
    });
    expect(
      largestDifference(await run([q, k, v], (a, b, c) => attention(a, b, c, heads, { causal })), expected),
    ).toBeLessThan(1e-5);
  });

  test("norms over a channel's pixels and over the last axis", async () => {
    const x = draw(2, 3, 8);
    const normal =
      (epsilon: number) =>
      (n: number, c: number, i: number): number => {
        const values = Array.from({ length: 8 }, (_, j) => reader(x)(n, c, j));
        const mean = sum(8, (j) => values[j]!) / 8;
        return (values[i]! - mean) / Math.sqrt(sum(8, (j) => (values[j]! - mean) ** 2) / 8 + epsilon);
      };
    expect(
      largestDifference(await run([x], (value) => instanceNorm(value, 1e-5)), fill(x.shape, normal(1e-5))),
    ).toBeLessThan(1e-5);
    const [scale, shift] = [draw(8), draw(8)];
    const expected = fill(x.shape, (n, c, i) => normal(1e-3)(n, c, i) * scale.data[i]! + shift.data[i]!);
    expect(
      largestDifference(
        await run([x], (value) => layerNorm(value, value.graph.constant(scale), value.graph.constant(shift), 1e-3)),
        expected,
      ),
    ).toBeLessThan(1e-5);
  });

  test("activations", async () => {
    const x = draw(3, 50);
    const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
    const map = (of: (value: number) => number): FloatTensor => tensor(x.data.map(of), x.shape);
    expect(
      largestDifference(
        await run([x], silu),
        map((value) => value * sigmoid(value)),
      ),
    ).toBeLessThan(1e-6);
    expect(
      largestDifference(
        await run([x], quickGelu),
        map((value) => value * sigmoid(1.702 * value)),
      ),
    ).toBeLessThan(1e-6);
    // Φ by Simpson's rule on its density, a way that shares nothing with the runtime's erf.
    const density = (t: number): number => Math.exp(-(t * t) / 2) / Math.sqrt(2 * Math.PI);
    const phi = (value: number): number =>
      0.5 + (value / 600) * sum(201, (i) => (i === 0 || i === 200 ? 1 : i % 2 ? 4 : 2) * density((value * i) / 200));
    expect(
      largestDifference(
        await run([x], gelu),
        map((value) => value * phi(value)),
      ),
    ).toBeLessThan(1e-6);
  });

  test("shapes: reshape, transpose, concat, split, rows of a table, doubling", async () => {
    const x = draw(2, 3, 2, 2);
    const X = reader(x);
    expect(await run([x], (value) => reshape(value, ["batch", 12]))).toEqual(tensor(x.data, [2, 12]));
    expect(await run([x], (value) => transpose(value, [0, 2, 3, 1]))).toEqual(
      fill([2, 2, 2, 3], (n, i, j, c) => X(n, c, i, j)),
    );
    expect(await run([x], (value) => concat([value, value], 1))).toEqual(
      fill([2, 6, 2, 2], (n, c, i, j) => X(n, c % 3, i, j)),
    );
    expect(await run([x], (value) => split(value, 1, [1, 2])[1]!)).toEqual(
      fill([2, 2, 2, 2], (n, c, i, j) => X(n, c + 1, i, j)),
    );
    expect(await run([x], (value) => upsampleNearest(value))).toEqual(
      fill([2, 3, 4, 4], (n, c, i, j) => X(n, c, i >> 1, j >> 1)),
    );

    for (const [height, width] of [
      [5, 9],
      [7, 4],
      [12, 31],
    ] as const) {
      const picture = draw(1, 2, height, width);
      const at = reader(picture);
      // PyTorch's rule, ⌊i · in / out⌋, for the sizes of a UNet whose latents do not halve evenly
      const odd = fill([1, 2, 2 * height - 1, 2 * width - 1], (n, c, i, j) =>
        at(n, c, Math.floor((i * height) / (2 * height - 1)), Math.floor((j * width) / (2 * width - 1))),
      );
      expect(await run([picture], (value) => upsampleNearest(value, 2 * height - 1, 2 * width - 1))).toEqual(odd);
    }

    const graph = new Graph("rows");
    graph.output("y", gather(graph.constant(tensor(x.data, [6, 4])), graph.input("at", ["batch"], "int32")));
    const session = await openSession<"y">(graph, testRuntime);
    const { y } = await session.run({ at: tensor(Int32Array.of(5, 0), [2]) });
    expect(y).toEqual(tensor(Float32Array.of(...x.data.slice(20), ...x.data.slice(0, 4)), [2, 4]));
  });

  test("differences, quotients, roots and sums over axes", async () => {
    const x = draw(2, 3, 4);
    const y = tensor(
      draw(2, 3, 4).data.map((value) => 0.5 + Math.abs(value)),
      [2, 3, 4],
    );
    const [X, Y] = [reader(x), reader(y)];
    const close = async (build: (a: Value, b: Value) => Value, expected: FloatTensor): Promise<void> =>
      expect(largestDifference(await run([x, y], build), expected)).toBeLessThan(1e-5);
    await close(
      subtract,
      fill(x.shape, (...at) => X(...at) - Y(...at)),
    );
    await close(
      divide,
      fill(x.shape, (...at) => X(...at) / Y(...at)),
    );
    await close(
      (_a, b) => squareRoot(b),
      fill(x.shape, (...at) => Math.sqrt(Y(...at))),
    );
    await close(
      (a) => sumOver(a, [1, 2]),
      fill([2, 1, 1], (n) => sum(3, (i) => sum(4, (j) => X(n, i, j)))),
    );
  });

  test("a network keeps the element type that its inputs have", () => {
    const graph = new Graph("half");
    const x = graph.input("x", ["batch", 4, 6, 6], "float16");
    const weight = graph.constant(draw(4, 4, 3, 3), "float16");
    const values = [
      silu(x),
      gelu(x),
      conv(x, weight, null, { padding: evenPadding(1) }),
      instanceNorm(reshape(x, ["batch", 4, 36]), 1e-5),
      transpose(x, [0, 2, 3, 1]),
      concat([x, x], 1),
      split(x, 1, [1, 3])[1]!,
      upsampleNearest(x),
      sumOver(x, [1]),
    ];
    expect(values.map(({ type }) => type)).toEqual(values.map(() => "float16"));
    expect(values.map(({ shape }) => shape[0])).toEqual(values.map(() => "batch"));
  });

  test("half-precision constants hold what was asked for", async () => {
    const value = tensor(Float32Array.of(1.5, -0.25, 65504, 3.1), [4]);
    for (const type of ["float16", "bfloat16", "float64"] as const) {
      const found = await run([draw(1, 4)], (x) => {
        const constant = cast(x.graph.constant(value, type), "float32");
        return add(multiply(x, x.graph.constant(tensor(Float32Array.of(0), []))), constant);
      });
      const expected = { float16: [1.5, -0.25, 65504, 3.099609375], bfloat16: [1.5, -0.25, 65536, 3.09375] };
      expect([...found.data]).toEqual(type === "float64" ? [...value.data] : expected[type]);
    }
  });

  test("sums and products broadcast as NumPy's do", async () => {
    const [x, y] = [draw(2, 3, 4), draw(3, 1)];
    expect(await run([x], (value) => add(value, value.graph.constant(y)))).toEqual(
      fill(x.shape, (n, i, j) => Math.fround(reader(x)(n, i, j) + y.data[i]!)),
    );
    expect(await run([x], (value) => multiply(value.graph.constant(y), value))).toEqual(
      fill(x.shape, (n, i, j) => Math.fround(reader(x)(n, i, j) * y.data[i]!)),
    );
  });

  test("a sinusoid, cosines first or last, with and without a shift", async () => {
    const timestep = tensor(Float32Array.of(801, 221), [2]);
    const angle = (n: number, k: number, shift: number): number =>
      timestep.data[n]! * Math.exp((-Math.log(10000) * k) / (4 - shift));
    expect(
      largestDifference(
        await run([timestep], (value) => sinusoid(value, 8)),
        fill([2, 8], (n, k) => (k < 4 ? Math.cos(angle(n, k, 0)) : Math.sin(angle(n, k - 4, 0)))),
      ),
    ).toBeLessThan(1e-4);
    const sineFirst = await run([timestep], (value) => sinusoid(value, 8, { cosineFirst: false, shift: 1 }));
    expect(
      largestDifference(
        sineFirst,
        fill([2, 8], (n, k) => (k < 4 ? Math.sin(angle(n, k, 1)) : Math.cos(angle(n, k - 4, 1)))),
      ),
    ).toBeLessThan(1e-4);
  });
});

describe("a mistake in a graph names the operator and both shapes", () => {
  const graph = new Graph("mistakes");
  const x = graph.input("x", ["batch", 3, 4, 4]);
  test.each<[string, () => Value, RegExp]>([
    [
      "convolution",
      () => conv(x, graph.constant(draw(2, 5, 3, 3)), null, { padding: evenPadding(1) }),
      /Convolution: input \[batch, 3, 4, 4\] has 3 channels, weight \[2, 5, 3, 3\]/,
    ],
    [
      "product",
      () => matmulTransposed(x, graph.constant(draw(2, 5))),
      /MatMul: shapes \[batch, 3, 4, 4\] and \[2, 5\]/,
    ],
    ["sum", () => add(x, graph.constant(draw(5))), /Add: shapes \[batch, 3, 4, 4\] and \[5\]/],
    ["reshape", () => reshape(x, ["batch", 47]), /Reshape: \[batch, 3, 4, 4\] does not become \[batch, 47\]/],
    ["a batch that moves", () => reshape(x, [3, "batch", 16]), /Reshape/],
    ["types that differ", () => add(x, cast(x, "float16")), /Add: float32 and float16 do not mix; cast one of them/],
    [
      "another graph's value",
      () => add(x, new Graph("other").input("y", ["batch", 3, 4, 4])),
      /Add in "mistakes" takes a value of "other"/,
    ],
  ])("%s", (_what, build, says) => {
    expect(build).toThrow(says);
  });
});

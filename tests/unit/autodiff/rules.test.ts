import { describe, expect, test } from "vitest";
import { differentiate } from "#lib/autodiff/differentiate.ts";
import { rules } from "#lib/autodiff/rules.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { conv, convTransposed, evenPadding } from "#lib/onnx/ops/conv.ts";
import * as math from "#lib/onnx/ops/math.ts";
import { instanceNorm, layerNorm } from "#lib/onnx/ops/norm.ts";
import * as shape from "#lib/onnx/ops/shape.ts";
import { openSession } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { testRuntime } from "../../support/golden.ts";
import { type Doubles, evaluate } from "./evaluate.ts";

/** A function of a few tensors, made of operators. */
interface Case {
  readonly what: string;
  readonly shapes: readonly (readonly number[])[];
  build(...inputs: Value[]): Value;
  /** Brings random numbers to where the function is smooth. */
  readonly place?: (x: number) => number;
}

const positive = (x: number): number => 0.5 + Math.abs(x);
const apartFromZero = (x: number): number => x + Math.sign(x) * 0.1;
const uneven = { top: 0, left: 0, bottom: 1, right: 1 };
const wide = { top: 2, left: 1, bottom: 0, right: 3 };

/** [a, b]: equal, one stretched within, one of lower rank, a single number, both stretched. */
const broadcasts = [
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 3, 4],
    [2, 1, 4],
  ],
  [[2, 3, 4], [4]],
  [
    [3, 1, 1],
    [2, 3, 2, 2],
  ],
  [[2, 3], []],
  [
    [2, 1, 3],
    [1, 4, 1],
  ],
] as const;

/** Kernel, stride, padding, and height and width of the picture. */
const convolutions = [
  [1, 1, evenPadding(0), 3, 4],
  [3, 1, evenPadding(1), 4, 3],
  [3, 1, evenPadding(0), 4, 5],
  [3, 2, evenPadding(1), 4, 6],
  [3, 2, evenPadding(1), 5, 3],
  [3, 2, uneven, 4, 4],
  [3, 2, uneven, 5, 6],
  [2, 3, evenPadding(0), 6, 7],
  [5, 1, evenPadding(2), 4, 4],
  [2, 1, wide, 3, 3],
  [3, 1, evenPadding(1), 12, 11],
] as const;

const products = [
  [[2, 3], [3, 4], {}],
  [[2, 2, 3], [2, 3, 4], {}],
  [[2, 3, 2], [4, 2], { right: true }],
  [[2, 2, 3, 2], [2, 2, 3, 2], { right: true }],
  [[3, 2], [3, 4], { left: true }],
  [[2, 3, 2], [2, 3, 4], { left: true }],
  [[2, 3, 2], [2, 4, 3], { left: true, right: true }],
  [[2, 3, 2], [3, 4], { left: true }],
  [[2, 3, 2], [4, 3], { left: true, right: true }],
  [[2, 5, 3], [3, 4], {}],
] as const;

const cases: readonly Case[] = [
  ...(["add", "subtract", "multiply", "divide"] as const).flatMap((name) =>
    broadcasts.flatMap(([a, b]) => [
      { what: `${name} [${a}] [${b}]`, shapes: [a, b], build: math[name], place: positive },
      { what: `${name} [${b}] [${a}]`, shapes: [b, a], build: math[name], place: positive },
    ]),
  ),
  { what: "a value that is used twice", shapes: [[2, 3]], build: (x) => math.multiply(math.add(x, x), x) },
  ...(["sigmoid", "tanh", "erf", "exp", "sine", "cosine", "softplus"] as const).map((name) => ({
    what: name,
    shapes: [[2, 3]],
    build: math[name],
  })),
  { what: "square root", shapes: [[2, 3]], build: math.squareRoot, place: positive },
  { what: "relu", shapes: [[3, 4]], build: math.relu, place: apartFromZero },
  { what: "sign", shapes: [[3, 4]], build: (x) => math.multiply(math.sign(x), x), place: apartFromZero },
  { what: "cast", shapes: [[2, 3]], build: (x) => math.cast(math.cast(x, "float64"), "float32") },
  { what: "softmax", shapes: [[2, 2, 4]], build: math.softmax },
  ...products.map(([a, b, sides]) => ({
    what: `matrix product [${a}] [${b}] ${JSON.stringify(sides)}`,
    shapes: [a, b],
    build: (x: Value, y: Value) => math.matmul(x, y, sides),
  })),
  ...[[0], [1, 2], [0, 2]].map((axes) => ({
    what: `sum over ${axes}`,
    shapes: [[2, 3, 2]],
    build: (x: Value) => math.sumOver(x, axes),
  })),
  { what: "expand", shapes: [[3, 1]], build: (x) => math.expand(x, [2, 3, 4]) },
  ...convolutions.flatMap(([kernel, stride, padding, height, width]) => {
    const weight = [3, 2, kernel, kernel];
    const { top, left, bottom, right } = padding;
    const [h, w] = [height + top + bottom, width + left + right].map(
      (size) => Math.floor((size - kernel) / stride) + 1,
    );
    const what = `${kernel}×${kernel} by ${stride}, padded ${[top, left, bottom, right]}, of ${height} × ${width}`;
    return [
      {
        what: `convolution ${what}`,
        shapes: [[2, 2, height, width], weight, [3]],
        build: (x: Value, by: Value, bias: Value) => conv(x, by, bias, { stride, padding }),
      },
      {
        what: `transposed convolution ${what}`,
        shapes: [[2, 3, h!, w!], weight],
        build: (x: Value, by: Value) => convTransposed(x, by, { stride, padding, height, width }),
      },
    ];
  }),
  {
    what: "convolution without bias",
    shapes: [
      [1, 2, 3, 3],
      [2, 2, 3, 3],
    ],
    build: (x, by) => conv(x, by, null, { padding: evenPadding(1) }),
  },
  {
    what: "attention, one head",
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 4],
    ],
    build: (q, k, v) => attention(q, k, v, 1),
  },
  {
    what: "attention, two heads",
    shapes: [
      [2, 3, 4],
      [2, 2, 4],
      [2, 2, 4],
    ],
    build: (q, k, v) => attention(q, k, v, 2),
  },
  {
    what: "causal attention",
    shapes: [
      [1, 4, 4],
      [1, 4, 4],
      [1, 4, 4],
    ],
    build: (q, k, v) => attention(q, k, v, 2, { causal: true }),
  },
  { what: "attention of a value to itself", shapes: [[2, 3, 4]], build: (x) => attention(x, x, x, 2) },
  { what: "instance norm", shapes: [[2, 2, 6]], build: (x) => instanceNorm(x, 1e-3) },
  { what: "layer norm", shapes: [[2, 3, 5], [5], [5]], build: (x, scale, shift) => layerNorm(x, scale, shift, 1e-3) },
  { what: "reshape", shapes: [[2, 6]], build: (x) => shape.reshape(x, [3, 1, 4]) },
  { what: "transpose", shapes: [[2, 3, 4]], build: (x) => shape.transpose(x, [2, 0, 1]) },
  {
    what: "concat",
    shapes: [
      [2, 1, 2],
      [2, 3, 2],
    ],
    build: (a, b) => shape.concat([a, b, a], 1),
  },
  {
    what: "split, all parts read",
    shapes: [[2, 5]],
    build: (x) => {
      const [a, b] = shape.split(x, 1, [2, 3]) as [Value, Value];
      return shape.concat([b, a], 1);
    },
  },
  { what: "split, one part read", shapes: [[2, 5]], build: (x) => shape.split(x, 1, [1, 2, 2])[1]! },
  { what: "slice", shapes: [[3, 5]], build: (x) => shape.slice(x, 1, 1, 4) },
  { what: "slice by steps", shapes: [[2, 7]], build: (x) => shape.slice(x, 1, 1, 6, 2) },
  { what: "slice by steps that end short", shapes: [[2, 7]], build: (x) => shape.slice(x, 1, 0, 6, 3) },
  { what: "slice by steps that end beyond", shapes: [[2, 7]], build: (x) => shape.slice(x, 1, 2, 7, 4) },
  {
    what: "slice of two axes",
    shapes: [[2, 4, 5]],
    build: (x) =>
      shape.cut(x, [
        { axis: 1, begin: 0, end: 3, step: 2 },
        { axis: 2, begin: 1, end: 5, step: 1 },
      ]),
  },
  { what: "flip", shapes: [[2, 3, 2]], build: (x) => shape.flip(x, [0, 2]) },
  { what: "pad", shapes: [[2, 3]], build: (x) => shape.pad(x, [0, 1], [2, 0]) },
  { what: "pad by nothing", shapes: [[2, 3]], build: (x) => shape.pad(x, [0, 0], [0, 0]) },
  { what: "gather", shapes: [[3, 2]], build: (table) => shape.gather(table, indices(table, [2, 0, 2, 1], [2, 2])) },
  {
    what: "scatter",
    shapes: [
      [3, 2],
      [4, 2],
    ],
    build: (table, rows) => shape.scatterAdd(table, indices(table, [2, 0, 2, 1], [4]), rows),
  },
  ...[
    [2, 3, 4, 6],
    [2, 3, 5, 6],
    [3, 2, 5, 3],
    [3, 3, 6, 7],
  ].map(([h, w, height, width]) => ({
    what: `nearest neighbour of ${h} × ${w} to ${height} × ${width}`,
    shapes: [[2, 2, h!, w!]],
    build: (x: Value) => shape.upsampleNearest(x, height, width),
  })),
];

function indices({ graph }: Value, list: number[], places: number[]): Value {
  return math.cast(graph.constant({ data: Float32Array.from(list), shape: places }), "int64");
}

/** The case's function and its gradients, for one loss that weighs every element of the result differently. */
function lossOf({ shapes, build }: Case) {
  const graph = new Graph("case");
  const inputs = shapes.map((dims, i) => graph.input(`x${i}`, dims));
  const y = build(...inputs);
  const weights = createGenerator(7).randn(y.shape.map(Number));
  const axes = y.shape.map((_dim, axis) => axis);
  const loss = math.sumOver(math.multiply(y, graph.constant(weights)), axes);
  return { graph, inputs, y, loss };
}

function draw({ shapes, place = (x) => x }: Case): FloatTensor[] {
  const generator = createGenerator(11);
  return shapes.map((dims) => tensor(generator.randn(dims).data.map(place), dims));
}

/** The largest difference, in shares of what is expected where that is more than one. */
const apart = (actual: Doubles, expected: Doubles): number => {
  expect(actual.shape).toEqual(expected.shape);
  return actual.data.reduce((most, value, i) => {
    const wanted = expected.data[i]!;
    return Math.max(most, Math.abs(value - wanted) / Math.max(1, Math.abs(wanted)));
  }, 0);
};

const asDoubles = ({ shape: dims, data }: FloatTensor): Doubles => ({ shape: dims, data: Float64Array.from(data) });

/** By central differences, in double precision: each element moved by itself. */
function differences(graph: Graph, inputs: readonly Value[], at: readonly Doubles[], loss: Value): Doubles[] {
  const step = 1e-5;
  const lossAt = (moved: readonly Doubles[]): number =>
    evaluate(graph, new Map(inputs.map((input, i) => [input, moved[i]!])))(loss).data[0]!;
  return at.map((x, i) => ({
    shape: x.shape,
    data: x.data.map((value, place) => {
      const moved = (by: number): number => lossAt(at.with(i, { ...x, data: x.data.with(place, value + by) }));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  }));
}

describe.each(cases)("$what", (one) => {
  const given = draw(one);
  const { graph, inputs, y, loss } = lossOf(one);
  const expected = differences(graph, inputs, given.map(asDoubles), loss);
  const gradients = differentiate(loss, inputs);
  const results = [y, ...gradients];
  const at = evaluate(graph, new Map(inputs.map((input, i) => [input, asDoubles(given[i]!)])));

  test("its rule agrees with differences in double precision", () => {
    for (const [i, gradient] of gradients.entries()) {
      expect(gradient.shape).toEqual(inputs[i]!.shape);
      expect(apart(at(gradient), expected[i]!)).toBeLessThan(1e-6);
    }
  });

  test("the runtime computes what it is by definition, and its gradients", async () => {
    results.forEach((value, i) => graph.output(`out${i}`, value));
    const session = await openSession(graph, testRuntime);
    const outputs = await session.run(Object.fromEntries(given.map((x, i) => [`x${i}`, x])));
    await session.close();
    for (const [i, value] of results.entries())
      expect(apart(asDoubles(outputs[`out${i}`]!), at(value))).toBeLessThan(2e-5);
  });
});

test("every operator is in some case", () => {
  const met = new Set(cases.flatMap((one) => lossOf(one).graph.nodes.map(({ op }) => op.type)));
  expect(Object.keys(rules).filter((type) => !met.has(type as keyof typeof rules))).toEqual([]);
});

describe("gradients have gradients", () => {
  const twice = [
    "instance norm",
    "layer norm",
    "attention, two heads",
    "softmax",
    "convolution 3×3 by 2, padded 0,0,1,1, of 5 × 6",
  ];
  test.each(cases.filter(({ what }) => twice.includes(what)))("$what", (one) => {
    const { graph, inputs, loss } = lossOf(one);
    const generator = createGenerator(13);
    const first = differentiate(loss, inputs).map((gradient) => {
      const weighed = math.multiply(gradient, graph.constant(generator.randn(gradient.shape.map(Number))));
      return math.sumOver(
        weighed,
        gradient.shape.map((_dim, axis) => axis),
      );
    });
    const total = first.map((part) => shape.reshape(part, [])).reduce(math.add);
    const given = draw(one).map(asDoubles);
    const expected = differences(graph, inputs, given, total);
    const gradients = differentiate(total, inputs);
    const at = evaluate(graph, new Map(inputs.map((input, i) => [input, given[i]!])));
    for (const [i, gradient] of gradients.entries()) expect(apart(at(gradient), expected[i]!)).toBeLessThan(1e-5);
  });
  test("the cases are there", () =>
    expect(cases.filter(({ what }) => twice.includes(what))).toHaveLength(twice.length));
});

test("nothing is built for what does not reach a target", () => {
  const graph = new Graph("frozen");
  const [x, frozen] = [graph.input("x", [1, 2, 4, 4]), graph.input("frozen", [2, 2, 3, 3])];
  const y = conv(
    math.sigmoid(conv(frozen.graph.input("z", [1, 2, 4, 4]), frozen, null, { padding: evenPadding(1) })),
    frozen,
    null,
    { padding: evenPadding(1) },
  );
  const loss = math.sumOver(math.multiply(y, x), [0, 1, 2, 3]);
  const before = graph.nodes.length;
  differentiate(loss, [x]);
  expect(graph.nodes.slice(before).map(({ op }) => op.type)).toEqual(["Expand", "Multiply"]);
  expect(sizeOf(x.shape.map(Number))).toBe(32);
});

test("heads that are too wide to be worked out together give what each gives alone", async () => {
  const [heads, length] = [9, 2000]; // 36 million scores
  const graph = new Graph("wide");
  const inputs = [0, 1, 2].map((i) => graph.input(`x${i}`, [1, length, heads])) as [Value, Value, Value];
  const alone = inputs.map((x) =>
    shape.split(
      x,
      2,
      Array.from({ length: heads }, () => 1),
    ),
  );
  const single = Array.from({ length: heads }, (_, head) =>
    attention(...(alone.map((parts) => parts[head]!) as [Value, Value, Value]), 1),
  );
  const weights = graph.constant(createGenerator(7).randn([1, length, heads]));
  const lossOfAll = (y: Value): Value => math.sumOver(math.multiply(y, weights), [0, 1, 2]);
  for (const [name, y] of [
    ["together", attention(...inputs, heads)],
    ["alone", shape.concat(single, 2)],
  ] as const)
    differentiate(lossOfAll(y), inputs).forEach((gradient, i) => graph.output(`${name}${i}`, gradient));
  const session = await openSession(graph, testRuntime);
  const generator = createGenerator(11);
  const outputs = await session.run(
    Object.fromEntries([0, 1, 2].map((i) => [`x${i}`, generator.randn([1, length, heads])])),
  );
  await session.close();
  for (const i of [0, 1, 2])
    expect(apart(asDoubles(outputs[`together${i}`]!), asDoubles(outputs[`alone${i}`]!))).toBeLessThan(1e-5);
});

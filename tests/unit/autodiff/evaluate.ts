import type { Graph, Node, Value } from "#lib/onnx/graph.ts";
import type { OpOf, OpType, UnaryType } from "#lib/onnx/op.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";

/** Numbers in double precision, row-major. */
export interface Doubles {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What an operator is by definition, as plain loops over indices: slow, and nothing to get wrong. */
type Evaluator<Type extends OpType> = (
  op: OpOf<Type>,
  inputs: readonly Doubles[],
  outputs: readonly Value[],
) => Doubles | Doubles[];

/** Runs a graph on numbers of double precision. @param given  values of its inputs, or of anything in it */
export function evaluate(graph: Graph, given: ReadonlyMap<Value, Doubles>): (value: Value) => Doubles {
  const known = new Map(given);
  for (const one of graph.initializers)
    if ("data" in one) known.set(one.value, { shape: one.value.shape.map(Number), data: Float64Array.from(one.data) });
  for (const node of graph.nodes) runNode(node, known);
  return (value) => known.get(value)!;
}

function runNode({ op, inputs, outputs }: Node, known: Map<Value, Doubles>): void {
  const evaluator = evaluators[op.type] as Evaluator<never>;
  const results = [
    evaluator(
      op as never,
      inputs.map((input) => known.get(input)!),
      outputs,
    ),
  ].flat();
  outputs.forEach((output, i) => known.set(output, results[i]!));
}

/** A tensor by its value at each index. */
export function fill(shape: readonly number[], at: (index: readonly number[]) => number): Doubles {
  const index = shape.map(() => 0);
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = at(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** The value at an index; zero outside. */
function read({ shape, data }: Doubles, index: readonly number[]): number {
  let flat = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    if (index[axis]! < 0 || index[axis]! >= shape[axis]!) return 0;
    flat = flat * shape[axis]! + index[axis]!;
  }
  return data[flat]!;
}

/** The value that broadcasting puts at an index of the result. */
const stretched = (x: Doubles, index: readonly number[]): number =>
  read(
    x,
    x.shape.map((dim, axis) => (dim === 1 ? 0 : index[index.length - x.shape.length + axis]!)),
  );

const shapeOf = (value: Value): number[] => value.shape.map(Number);

const elementwise =
  (combine: (a: number, b: number) => number): Evaluator<"Add" | "Subtract" | "Multiply" | "Divide"> =>
  (_op, [a, b], [y]) =>
    fill(shapeOf(y!), (index) => combine(stretched(a!, index), stretched(b!, index)));

const unary =
  (of: (x: number) => number): Evaluator<UnaryType> =>
  (_op, [x]) => ({ shape: x!.shape, data: x!.data.map(of) });

const sum = (count: number, of: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < count; i++) total += of(i);
  return total;
};

/** Rows along the last axis, each made another. */
function alongLast(x: Doubles, change: (row: Float64Array) => Float64Array): Doubles {
  const size = x.shape.at(-1)!;
  const data = new Float64Array(x.data.length);
  for (let begin = 0; begin < data.length; begin += size) data.set(change(x.data.subarray(begin, begin + size)), begin);
  return { shape: x.shape, data };
}

const shares = (row: Float64Array): Float64Array => {
  const exponentials = row.map((value) => Math.exp(value - Math.max(...row)));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / total);
};

/** [x̂, mean, 1 / √(variance + ε)] */
function normalised(x: Doubles, epsilon: number): [Doubles, Doubles, Doubles] {
  const size = x.shape.at(-1)!;
  const statistic = (of: (row: Float64Array) => number): Doubles =>
    fill([...x.shape.slice(0, -1), 1], (index) => {
      const row = index.slice(0, -1).reduce((flat, i, axis) => flat * x.shape[axis]! + i, 0);
      return of(x.data.subarray(row * size, (row + 1) * size));
    });
  const meanOf = (row: Float64Array): number => row.reduce((a, b) => a + b, 0) / size;
  const inverseOf = (row: Float64Array): number =>
    1 / Math.sqrt(row.reduce((total, value) => total + (value - meanOf(row)) ** 2, 0) / size + epsilon);
  const normal = alongLast(x, (row) => {
    const [mean, inverse] = [meanOf(row), inverseOf(row)];
    return row.map((value) => (value - mean) * inverse);
  });
  return [normal, statistic(meanOf), statistic(inverseOf)];
}

/** Of the series: erf x = 2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), exact to 1e-12 where |x| < 4. */
function erf(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const evaluators: { readonly [Type in OpType]: Evaluator<Type> } = {
  Add: elementwise((a, b) => a + b),
  Subtract: elementwise((a, b) => a - b),
  Multiply: elementwise((a, b) => a * b),
  Divide: elementwise((a, b) => a / b),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Tanh: unary(Math.tanh),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Sine: unary(Math.sin),
  Cosine: unary(Math.cos),
  SquareRoot: unary(Math.sqrt),
  Relu: unary((x) => Math.max(0, x)),
  Sign: unary(Math.sign),
  Softplus: unary((x) => Math.log1p(Math.exp(x))),
  Cast: (_op, [x]) => x!,
  MatMul: ({ transposeLeft, transposeRight }, [a, b], [y]) => {
    const inner = a!.shape.at(transposeLeft ? -2 : -1)!;
    return fill(shapeOf(y!), (index) => {
      const [lead, i, j] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
      const right = b!.shape.length === 2 ? [] : lead;
      return sum(
        inner,
        (k) =>
          read(a!, [...lead, ...(transposeLeft ? [k, i] : [i, k])]) *
          read(b!, [...right, ...(transposeRight ? [j, k] : [k, j])]),
      );
    });
  },
  SumOver: ({ axes }, [x], [y]) => {
    const out = { shape: shapeOf(y!), data: new Float64Array(sizeOf(shapeOf(y!))) };
    fill(x!.shape, (index) => {
      const flat = index.reduce((place, i, axis) => place * out.shape[axis]! + (axes.includes(axis) ? 0 : i), 0);
      return (out.data[flat]! += read(x!, index));
    });
    return out;
  },
  Expand: ({ shape }, [x]) => fill(shape.map(Number), (index) => stretched(x!, index)),
  Convolution: ({ kernel, stride, padding }, [x, weight, bias], [y]) =>
    fill(shapeOf(y!), ([n, o, i, j]) => {
      const at = (c: number, u: number, v: number): number =>
        read(x!, [n!, c, i! * stride + u - padding.top, j! * stride + v - padding.left]) * read(weight!, [o!, c, u, v]);
      const products = sum(x!.shape[1]!, (c) => sum(kernel, (u) => sum(kernel, (v) => at(c, u, v))));
      return products + (bias ? read(bias, [o!]) : 0);
    }),
  ConvolutionTransposed: ({ kernel, stride, padding }, [x, weight], [y]) => {
    const out = { shape: shapeOf(y!), data: new Float64Array(sizeOf(shapeOf(y!))) };
    const [, channels, height, width] = out.shape as [number, number, number, number];
    fill(x!.shape, (index) => {
      const [n, o, i, j] = index as [number, number, number, number];
      for (let c = 0; c < channels; c++)
        for (let u = 0; u < kernel; u++)
          for (let v = 0; v < kernel; v++) {
            const [row, column] = [i * stride + u - padding.top, j * stride + v - padding.left];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const flat = ((n * channels + c) * height + row) * width + column;
            out.data[flat]! += read(x!, index) * read(weight!, [o, c, u, v]);
          }
      return 0;
    });
    return out;
  },
  Softmax: (_op, [x]) => alongLast(x!, shares),
  Attention: ({ heads, causal }, [q, k, v], [y]) => {
    const [batch, length, channels] = q!.shape as [number, number, number];
    const width = channels / heads;
    const scores = fill([batch, heads, length, k!.shape[1]!], ([n, h, i, j]) => {
      if (causal && j! > i!) return -Infinity;
      return (
        sum(width, (c) => read(q!, [n!, i!, h! * width + c]) * read(k!, [n!, j!, h! * width + c])) / Math.sqrt(width)
      );
    });
    const parts = alongLast(scores, shares);
    return fill(shapeOf(y!), ([n, i, c]) =>
      sum(k!.shape[1]!, (j) => read(parts, [n!, Math.floor(c! / width), i!, j]) * read(v!, [n!, j, c!])),
    );
  },
  InstanceNorm: ({ epsilon }, [x]) => normalised(x!, epsilon),
  LayerNorm: ({ epsilon }, [x, scale, shift]) => {
    const [normal, ...statistics] = normalised(x!, epsilon);
    const scaled = fill(x!.shape, (index) => read(normal, index) * stretched(scale!, index) + stretched(shift!, index));
    return [scaled, ...statistics];
  },
  Reshape: ({ shape }, [x]) => ({ shape: shape.map(Number), data: x!.data }),
  Transpose: ({ order }, [x], [y]) =>
    fill(shapeOf(y!), (index) =>
      read(
        x!,
        order.map((_axis, i) => index[order.indexOf(i)]!),
      ),
    ),
  Concat: ({ axis }, parts, [y]) =>
    fill(shapeOf(y!), (index) => {
      let place = index[axis]!;
      const part = parts.find(({ shape }) => place < shape[axis]! || ((place -= shape[axis]!), false))!;
      return read(part, index.with(axis, place));
    }),
  Split: ({ axis, sizes }, [x], outputs) =>
    outputs.map((output, part) => {
      const begin = sum(part, (i) => sizes[i]!);
      return fill(shapeOf(output), (index) => read(x!, index.with(axis, begin + index[axis]!)));
    }),
  Slice: ({ cuts }, [x], [y]) =>
    fill(shapeOf(y!), (index) =>
      read(
        x!,
        cuts.reduce((place, { axis, begin, step }) => place.with(axis, begin + step * index[axis]!), [...index]),
      ),
    ),
  Flip: ({ axes }, [x]) =>
    fill(x!.shape, (index) =>
      read(
        x!,
        index.map((i, axis) => (axes.includes(axis) ? x!.shape[axis]! - 1 - i : i)),
      ),
    ),
  Pad: ({ before }, [x], [y]) =>
    fill(shapeOf(y!), (index) =>
      read(
        x!,
        index.map((i, axis) => i - before[axis]!),
      ),
    ),
  Gather: (_op, [table, indices], [y]) => {
    const lead = indices!.shape.length;
    return fill(shapeOf(y!), (index) => read(table!, [read(indices!, index.slice(0, lead)), ...index.slice(lead)]));
  },
  ScatterAdd: (_op, [table, places, rows]) => {
    const out = { shape: table!.shape, data: Float64Array.from(table!.data) };
    const size = sizeOf(table!.shape.slice(1));
    rows!.data.forEach((value, i) => (out.data[places!.data[Math.floor(i / size)]! * size + (i % size)]! += value));
    return out;
  },
  ResizeNearest: ({ height, width }, [x], [y]) =>
    fill(shapeOf(y!), ([n, c, i, j]) => {
      const [rows, columns] = x!.shape.slice(2) as [number, number];
      return read(x!, [n!, c!, Math.floor((i! * rows) / height), Math.floor((j! * columns) / width)]);
    }),
};

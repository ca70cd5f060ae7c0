import { type Dim, type Shape, showShape, type Value } from "../graph.ts";

export const add = (a: Value, b: Value): Value => elementwise("Add", a, b);
export const subtract = (a: Value, b: Value): Value => elementwise("Sub", a, b);
export const multiply = (a: Value, b: Value): Value => elementwise("Mul", a, b);
export const divide = (a: Value, b: Value): Value => elementwise("Div", a, b);
export const sigmoid = (x: Value): Value => unary("Sigmoid", x);
export const tanh = (x: Value): Value => unary("Tanh", x);
export const erf = (x: Value): Value => unary("Erf", x);
export const sine = (x: Value): Value => unary("Sin", x);
export const cosine = (x: Value): Value => unary("Cos", x);
export const squareRoot = (x: Value): Value => unary("Sqrt", x);

/** The sum over some axes, which stay with a size of 1. */
export function sumOver(x: Value, axes: readonly number[]): Value {
  const shape = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return x.graph.node("ReduceSum", [x, x.graph.integers(axes)], shape);
}

/** Any element type to float32; what already is float32 is left alone. */
export const toFloat32 = (x: Value): Value =>
  x.type === "float32" ? x : x.graph.node("Cast", [x], x.shape, { attributes: { to: 1 } });

/** A number beside a value, as a scalar that broadcasts. */
export const scalar = (like: Value, number: number): Value =>
  like.graph.constant({ data: Float32Array.of(number), shape: [] });

/** a·b for matrices: [M, K] · [K, N] → [M, N]. */
export function matmul(a: Value, b: Value): Value {
  if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0])
    throw mismatch("MatMul", a.shape, b.shape);
  return a.graph.node("MatMul", [a, b], [a.shape[0]!, b.shape[1]!]);
}

/**
 * x·Wᵀ for W [out, in] as PyTorch stores it: [..., in] → [..., out].
 *
 * FusedMatMul reads W where it lies. Transpose + MatMul costs a copy of every weight at load (2.5 s instead of 1 s per GiB).
 */
export function matmulTransposed(x: Value, w: Value): Value {
  if (w.shape.length !== 2 || x.shape.at(-1) !== w.shape[1]) throw mismatch("FusedMatMul", x.shape, w.shape);
  return x.graph.node("FusedMatMul", [x, w], [...x.shape.slice(0, -1), w.shape[0]!], {
    attributes: { transB: 1 },
    domain: "com.microsoft",
  });
}

export const mismatch = (op: string, a: Shape, b: Shape): Error =>
  new Error(`${op}: shapes ${showShape(a)} and ${showShape(b)} do not fit`);

const unary = (op: string, x: Value): Value => x.graph.node(op, [x], x.shape);

function elementwise(op: string, a: Value, b: Value): Value {
  return a.graph.node(op, [a, b], broadcast(op, a.shape, b.shape));
}

/** NumPy's rule: align at the last axis; a dimension of 1 stretches. */
function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dim => {
    const [p, q] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (p === q || q === 1) return p;
    if (p === 1) return q;
    throw mismatch(op, a, b);
  });
}

import { showShape, type Value } from "../graph.ts";
import type { Dim, ElementType, FloatType, Shape } from "../shape.ts";
import type { Op, UnaryType } from "../op.ts";

export const add = (a: Value, b: Value): Value => elementwise("Add", a, b);
export const subtract = (a: Value, b: Value): Value => elementwise("Subtract", a, b);
export const multiply = (a: Value, b: Value): Value => elementwise("Multiply", a, b);
export const divide = (a: Value, b: Value): Value => elementwise("Divide", a, b);
export const sigmoid = (x: Value): Value => unary("Sigmoid", x);
export const tanh = (x: Value): Value => unary("Tanh", x);
export const erf = (x: Value): Value => unary("Erf", x);
export const exp = (x: Value): Value => unary("Exp", x);
export const sine = (x: Value): Value => unary("Sine", x);
export const cosine = (x: Value): Value => unary("Cosine", x);
export const relu = (x: Value): Value => unary("Relu", x);
/** −1, 0 or 1 */
export const sign = (x: Value): Value => unary("Sign", x);
/** ln(1 + eˣ) */
export const softplus = (x: Value): Value => unary("Softplus", x);
export const squareRoot = (x: Value): Value => unary("SquareRoot", x);

/** Another element type; what has it already is left alone. */
export const cast = (x: Value, to: ElementType): Value =>
  x.type === to ? x : x.graph.append({ type: "Cast", to }, [x], { shape: x.shape, type: to });

/** A number beside a value, of its type, as a scalar that broadcasts. */
export const scalar = (like: Value, number: number): Value =>
  like.graph.constant({ data: Float32Array.of(number), shape: [] }, like.type as FloatType);

/**
 * a·b: [..., M, K] · [..., K, N] → [..., M, N]. Leading axes are equal, or b has none and serves for all.
 *
 * `left` and `right` say which side is taken as its transpose. The runtime's FusedMatMul reads it where it lies; Transpose + MatMul
 * costs a copy of every weight at load (2.5 s instead of 1 s per GiB).
 */
export function matmul(a: Value, b: Value, { left = false, right = false } = {}): Value {
  const type = commonType("MatMul", a, b);
  const lead = a.shape.slice(0, -2);
  const [rows, inner] = left ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
  const [wants, columns] = right ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
  const sameLead = b.shape.length === a.shape.length && lead.every((dim, i) => dim === b.shape[i]);
  if (rows === undefined || columns === undefined || inner !== wants || !(sameLead || b.shape.length === 2))
    throw mismatch("MatMul", a.shape, b.shape);
  return a.graph.append({ type: "MatMul", transposeLeft: left, transposeRight: right }, [a, b], {
    shape: [...lead, rows, columns],
    type,
  });
}

/** x·Wᵀ for W [out, in] as PyTorch stores it: [..., in] → [..., out]. */
export const matmulTransposed = (x: Value, w: Value): Value => matmul(x, w, { right: true });

/** Shares of one that grow with eˣ, along the last axis. */
export const softmax = (x: Value): Value => x.graph.append({ type: "Softmax" }, [x], { shape: x.shape, type: x.type });

/** The sum over some axes, which stay with a size of 1. */
export function sumOver(x: Value, axes: readonly number[]): Value {
  const shape = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return x.graph.append({ type: "SumOver", axes }, [x], { shape, type: x.type });
}

/** Repeats axes of size 1, and new ones in front, until the shape is there. */
export function expand(x: Value, shape: Shape): Value {
  const fits = showShape(broadcast("Expand", x.shape, shape)) === showShape(shape);
  if (!fits || (shape[0] === "batch" && x.shape.at(-shape.length) !== "batch"))
    throw mismatch("Expand", x.shape, shape);
  return x.graph.append({ type: "Expand", shape }, [x], { shape, type: x.type });
}

export const mismatch = (op: Op["type"], a: Shape, b: Shape): Error =>
  new Error(`${op}: shapes ${showShape(a)} and ${showShape(b)} do not fit`);

/** The type of all the values, which must agree: nothing is converted in passing. */
export function commonType(op: Op["type"], first: Value, ...rest: readonly Value[]): ElementType {
  const other = rest.find(({ type }) => type !== first.type);
  if (other) throw new Error(`${op}: ${first.type} and ${other.type} do not mix; cast one of them`);
  return first.type;
}

const unary = (type: UnaryType, x: Value): Value => x.graph.append({ type }, [x], { shape: x.shape, type: x.type });

function elementwise(type: "Add" | "Subtract" | "Multiply" | "Divide", a: Value, b: Value): Value {
  return a.graph.append({ type }, [a, b], { shape: broadcast(type, a.shape, b.shape), type: commonType(type, a, b) });
}

/** NumPy's rule: align at the last axis; a dimension of 1 stretches. */
function broadcast(op: Op["type"], a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dim => {
    const [p, q] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (p === q || q === 1) return p;
    if (p === 1) return q;
    throw mismatch(op, a, b);
  });
}

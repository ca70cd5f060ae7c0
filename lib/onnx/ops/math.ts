import { showShape, type Value } from "../graph.ts";
import type { Dim, ElementType, FloatType, Shape } from "../shape.ts";
import type { Op } from "../op.ts";

export const add = (a: Value, b: Value): Value => elementwise("Add", a, b);
export const subtract = (a: Value, b: Value): Value => elementwise("Subtract", a, b);
export const multiply = (a: Value, b: Value): Value => elementwise("Multiply", a, b);
export const divide = (a: Value, b: Value): Value => elementwise("Divide", a, b);
export const sigmoid = (x: Value): Value => unary("Sigmoid", x);
export const tanh = (x: Value): Value => unary("Tanh", x);
export const erf = (x: Value): Value => unary("Erf", x);
export const sine = (x: Value): Value => unary("Sine", x);
export const cosine = (x: Value): Value => unary("Cosine", x);
export const relu = (x: Value): Value => unary("Relu", x);
/** ln(1 + eˣ) */
export const softplus = (x: Value): Value => unary("Softplus", x);
export const squareRoot = (x: Value): Value => unary("SquareRoot", x);

/** Another element type; what has it already is left alone. */
export const cast = (x: Value, to: ElementType): Value =>
  x.type === to ? x : x.graph.append({ type: "Cast", to }, [x], { shape: x.shape, type: to });

/** A number beside a value, of its type, as a scalar that broadcasts. */
export const scalar = (like: Value, number: number): Value =>
  like.graph.constant({ data: Float32Array.of(number), shape: [] }, like.type as FloatType);

/** a·b: [..., M, K] · [..., K, N] → [..., M, N], the leading axes being equal. */
export function matmul(a: Value, b: Value): Value {
  const type = commonType("MatMul", a, b);
  const [rank, lead] = [a.shape.length, a.shape.slice(0, -2)];
  const fits =
    rank >= 2 &&
    b.shape.length === rank &&
    a.shape[rank - 1] === b.shape[rank - 2] &&
    lead.every((dim, i) => dim === b.shape[i]);
  if (!fits) throw mismatch("MatMul", a.shape, b.shape);
  return a.graph.append({ type: "MatMul" }, [a, b], { shape: [...lead, a.shape[rank - 2]!, b.shape[rank - 1]!], type });
}

/**
 * x·Wᵀ for W [out, in] as PyTorch stores it: [..., in] → [..., out].
 *
 * The runtime's FusedMatMul reads W where it lies. Transpose + MatMul costs a copy of every weight at load (2.5 s instead of 1 s
 * per GiB).
 */
export function matmulTransposed(x: Value, w: Value): Value {
  const type = commonType("MatMulTransposed", x, w);
  if (w.shape.length !== 2 || x.shape.at(-1) !== w.shape[1]) throw mismatch("MatMulTransposed", x.shape, w.shape);
  return x.graph.append({ type: "MatMulTransposed" }, [x, w], { shape: [...x.shape.slice(0, -1), w.shape[0]!], type });
}

/** The sum over some axes, which stay with a size of 1. */
export function sumOver(x: Value, axes: readonly number[]): Value {
  const shape = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return x.graph.append({ type: "SumOver", axes }, [x], { shape, type: x.type });
}

export const mismatch = (op: Op["type"], a: Shape, b: Shape): Error =>
  new Error(`${op}: shapes ${showShape(a)} and ${showShape(b)} do not fit`);

/** The type of all the values, which must agree: nothing is converted in passing. */
export function commonType(op: Op["type"], first: Value, ...rest: readonly Value[]): ElementType {
  const other = rest.find(({ type }) => type !== first.type);
  if (other) throw new Error(`${op}: ${first.type} and ${other.type} do not mix; cast one of them`);
  return first.type;
}

type UnaryType = "Sigmoid" | "Tanh" | "Erf" | "Sine" | "Cosine" | "SquareRoot" | "Relu" | "Softplus";

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

import type { Value } from "#lib/onnx/graph.ts";
import type { Dim, FloatType } from "#lib/onnx/shape.ts";
import type { Cut } from "#lib/onnx/op.ts";
import { expand, matmul, scalar, sumOver } from "#lib/onnx/ops/math.ts";
import {
  concat as join,
  cut,
  pad as padded,
  reshape,
  scatterAdd as addRows,
  split as apart,
  transpose,
} from "#lib/onnx/ops/shape.ts";
import type { Rule } from "../rule.ts";
import { once } from "./once.ts";

export const scatterAdd = addRows;

/** Zeros of that shape and type. */
export const zeros = (like: Value): Value => expand(scalar(like, 0), like.shape);

export const concat: Rule<"Concat"> = ({ op, inputs }, dy) => {
  const sizes = inputs.map(({ shape }) => Number(shape[op.axis]));
  const parts = once(() => apart(dy, op.axis, sizes));
  return inputs.map((_input, i) => () => parts()[i]!);
};

export const split: Rule<"Split"> = ({ op, outputs }, _dy, all) => [
  () =>
    join(
      outputs.map((output, i) => all[i] ?? zeros(output)),
      op.axis,
    ),
];

/** Zeros where nothing was taken from. */
export const slice: Rule<"Slice"> = ({ op, inputs: [x] }, dy) => [
  () => {
    const [before, after] = [x.shape.map(() => 0), x.shape.map(() => 0)];
    let spread = dy;
    for (const { axis, begin, end, step } of op.cuts) {
      spread = spreadOut(spread, axis, step, end - begin);
      before[axis] = begin;
      after[axis] = Number(x.shape[axis]) - end;
    }
    return padded(spread, before, after);
  },
];

/** `step` − 1 zeros behind each element of an axis; then its first `size`. */
function spreadOut(x: Value, axis: number, step: number, size: number): Value {
  if (step === 1) return x;
  const count = Number(x.shape[axis]);
  const column = reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  const none = column.shape.map(() => 0);
  const row = padded(column, none, none.with(axis + 1, step - 1));
  const spread = reshape(row, x.shape.with(axis, count * step));
  const short = size - count * step;
  if (short > 0)
    return padded(
      spread,
      x.shape.map(() => 0),
      x.shape.map((_dim, i) => (i === axis ? short : 0)),
    );
  return short < 0 ? cut(spread, [{ axis, begin: 0, end: size, step: 1 }]) : spread;
}

export const pad: Rule<"Pad"> = ({ op, inputs: [x] }, dy) => {
  const padded = op.before.map((_zeros, axis) => axis).filter((axis) => dy.shape[axis] !== x.shape[axis]);
  const within = (axis: number): Cut => {
    const begin = op.before[axis]!;
    return { axis, begin, end: begin + Number(x.shape[axis]), step: 1 };
  };
  return [() => (padded.length === 0 ? dy : cut(dy, padded.map(within)))];
};

/** Each pixel collects from those that it became. */
export const resizeNearest: Rule<"ResizeNearest"> = ({ op, inputs: [x] }, dy) => [
  () => {
    const [batch, channels, height, width] = x.shape as [Dim, number, number, number];
    if (op.height === 2 * height && op.width === 2 * width) {
      const rows = sumOver(reshape(dy, [batch, channels, height, 2, 2 * width]), [3]);
      return reshape(sumOver(reshape(rows, [batch, channels, height, width, 2]), [4]), x.shape);
    }
    const columns = matmul(dy, sources(dy, op.width, width));
    return transpose(matmul(columns, sources(dy, op.height, height), { left: true }), [0, 1, 3, 2]);
  },
];

/** [target, size]: a one in each row, at the source of that pixel. */
function sources({ graph, type }: Value, target: number, size: number): Value {
  const data = new Float32Array(target * size);
  for (let i = 0; i < target; i++) data[i * size + Math.floor((i * size) / target)] = 1;
  return graph.constant({ data, shape: [target, size] }, type as FloatType);
}

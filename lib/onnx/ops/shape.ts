import { showShape, type Value } from "../graph.ts";
import type { Dim, Shape } from "../shape.ts";
import type { Cut } from "../op.ts";
import { cast, commonType } from "./math.ts";

/** Product of the dimensions; "batch" must appear equally often in two shapes to be compared. */
const volume = (shape: Shape): number => shape.reduce<number>((size, dim) => (dim === "batch" ? size : size * dim), 1);

/** The same elements under another shape. "batch" may only stay where it is. */
export function reshape(x: Value, shape: Shape): Value {
  const moved = shape.some((dim, i) => (dim === "batch") !== (x.shape[i] === "batch"));
  if (moved || volume(shape) !== volume(x.shape))
    throw new Error(`Reshape: ${showShape(x.shape)} does not become ${showShape(shape)}`);
  return x.graph.append({ type: "Reshape", shape }, [x], { shape, type: x.type });
}

export function transpose(x: Value, order: readonly number[]): Value {
  const shape = order.map((axis) => x.shape[axis]!);
  return x.graph.append({ type: "Transpose", order }, [x], { shape, type: x.type });
}

export function concat(parts: readonly Value[], axis: number): Value {
  const [first, ...rest] = parts as [Value, ...Value[]];
  for (const part of parts) {
    const fits =
      part.shape.length === first.shape.length && part.shape.every((dim, i) => i === axis || dim === first.shape[i]);
    if (!fits)
      throw new Error(`Concat: ${parts.map((p) => showShape(p.shape)).join(", ")} do not fit along axis ${axis}`);
  }
  const joined = parts.reduce((sum, part) => sum + Number(part.shape[axis]), 0);
  const type = commonType("Concat", first, ...rest);
  return first.graph.append({ type: "Concat", axis }, parts, { shape: replaceAxis(first.shape, axis, joined), type });
}

/** Cuts an axis into parts of the given sizes. */
export function split(x: Value, axis: number, sizes: readonly number[]): Value[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[axis]) throw new Error(`Split: ${showShape(x.shape)} has not ${total} along axis ${axis}`);
  const results = sizes.map((size) => ({ shape: replaceAxis(x.shape, axis, size), type: x.type }));
  return x.graph.appendOfMany({ type: "Split", axis, sizes }, [x], results);
}

/** Elements begin … end of an axis, or every `step`-th of them. */
export const slice = (x: Value, axis: number, begin: number, end: number, step = 1): Value =>
  cut(x, [{ axis, begin, end, step }]);

/** Slices several axes at once. */
export function cut(x: Value, cuts: readonly Cut[]): Value {
  const shape = [...x.shape];
  for (const { axis, begin, end, step } of cuts) {
    if (!(begin >= 0 && begin < end && end <= Number(x.shape[axis]) && step >= 1))
      throw new Error(`Slice: ${showShape(x.shape)} has no ${begin} to ${end} by ${step} along axis ${axis}`);
    shape[axis] = Math.ceil((end - begin) / step);
  }
  return x.graph.append({ type: "Slice", cuts }, [x], { shape, type: x.type });
}

/** The same elements, last first along some axes. */
export const flip = (x: Value, axes: readonly number[]): Value =>
  x.graph.append({ type: "Flip", axes }, [x], { shape: x.shape, type: x.type });

/** Zeros in front of and behind each axis. */
export function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  if (before.length !== x.shape.length || after.length !== x.shape.length)
    throw new Error(`Pad: ${showShape(x.shape)} is not padded by ${showShape(before)} and ${showShape(after)}`);
  const padded = (dim: Dim, more: number): Dim => (more === 0 ? dim : Number(dim) + more);
  const shape = x.shape.map((dim, axis) => padded(dim, before[axis]! + after[axis]!));
  return x.graph.append({ type: "Pad", before, after }, [x], { shape, type: x.type });
}

/** Rows of a table: table [N, D], indices [...] → [..., D]. */
export function gather(table: Value, indices: Value): Value {
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return table.graph.append({ type: "Gather" }, [table, indices], { shape, type: table.type });
}

/** A table to whose rows others are added: table [N, D], indices [...], rows [..., D] → [N, D]. */
export function scatterAdd(table: Value, indices: Value, rows: Value): Value {
  const type = commonType("ScatterAdd", table, rows);
  const places = cast(reshape(indices, [...indices.shape, 1]), "int64");
  return table.graph.append({ type: "ScatterAdd" }, [table, places, rows], { shape: table.shape, type });
}

/**
 * Nearest neighbour, to twice the height and width or one more or less: [B, C, H, W] → [B, C, height, width]. Output row i is input
 * row ⌊i · H / height⌋, as in PyTorch's `interpolate`.
 */
export function upsampleNearest(x: Value, height = 2 * Number(x.shape[2]), width = 2 * Number(x.shape[3])): Value {
  const [batch, channels, h, w] = x.shape as [Dim, number, number, number];
  const doubles = (size: number, target: number): boolean => Math.abs(target - 2 * size) <= 1;
  if (!doubles(h, height) || !doubles(w, width)) throw new Error(`ResizeNearest: ${h} × ${w} to ${height} × ${width}`);
  const shape = [batch, channels, height, width];
  return x.graph.append({ type: "ResizeNearest", height, width }, [x], { shape, type: x.type });
}

const replaceAxis = (shape: Shape, axis: number, dim: Dim): Shape => shape.map((old, i) => (i === axis ? dim : old));

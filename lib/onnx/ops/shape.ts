import { type Dim, type Shape, showShape, type Value } from "../graph.ts";

/** Product of the dimensions; "batch" must appear equally often in two shapes to be compared. */
const volume = (shape: Shape): number => shape.reduce<number>((size, dim) => (dim === "batch" ? size : size * dim), 1);

/** The same elements under another shape. "batch" may only stay where it is. */
export function reshape(x: Value, shape: Shape): Value {
  const moved = shape.some((dim, i) => (dim === "batch") !== (x.shape[i] === "batch"));
  if (moved || volume(shape) !== volume(x.shape))
    throw new Error(`Reshape: ${showShape(x.shape)} does not become ${showShape(shape)}`);
  const target = x.graph.integers(shape.map((dim) => (dim === "batch" ? 0 : dim))); // 0 copies the input's dimension
  return x.graph.node("Reshape", [x, target], shape, { type: x.type });
}

export function transpose(x: Value, order: readonly number[]): Value {
  return x.graph.node(
    "Transpose",
    [x],
    order.map((axis) => x.shape[axis]!),
    { attributes: { perm: order } },
  );
}

export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts as [Value];
  for (const part of parts) {
    const fits =
      part.shape.length === first.shape.length && part.shape.every((dim, i) => i === axis || dim === first.shape[i]);
    if (!fits)
      throw new Error(`Concat: ${parts.map((p) => showShape(p.shape)).join(", ")} do not fit along axis ${axis}`);
  }
  const joined = parts.reduce((sum, part) => sum + Number(part.shape[axis]), 0);
  return first.graph.node("Concat", parts, replaceAxis(first.shape, axis, joined), { attributes: { axis } });
}

/** Cuts an axis into parts of the given sizes. */
export function split(x: Value, axis: number, sizes: readonly number[]): Value[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[axis]) throw new Error(`Split: ${showShape(x.shape)} has not ${total} along axis ${axis}`);
  const shapes = sizes.map((size) => replaceAxis(x.shape, axis, size));
  return x.graph.nodeOfMany("Split", [x, x.graph.integers(sizes)], shapes, { axis });
}

/** Rows of a table: table [N, D], indices [...] → [..., D]. */
export function gather(table: Value, indices: Value): Value {
  return table.graph.node("Gather", [table, indices], [...indices.shape, ...table.shape.slice(1)], {
    attributes: { axis: 0 },
  });
}

/** Nearest neighbour, twice as high and wide: [B, C, H, W] → [B, C, 2H, 2W]. */
export function upsampleNearest(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [Dim, number, number, number];
  const scales = x.graph.constant({ data: Float32Array.of(1, 1, 2, 2), shape: [4] });
  const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  return x.graph.node("Resize", [x, null, scales], [batch, channels, 2 * height, 2 * width], { attributes });
}

const replaceAxis = (shape: Shape, axis: number, dim: Dim): Shape => shape.map((old, i) => (i === axis ? dim : old));

/** Numbers with a shape, row-major. `data.length` is always the product of `shape`. */
export interface Tensor<Data extends TensorData = TensorData> {
  readonly shape: readonly number[];
  readonly data: Data;
}

export type TensorData = Float32Array | Int32Array;
export type FloatTensor = Tensor<Float32Array>;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

export function tensor<Data extends TensorData>(data: Data, shape: readonly number[]): Tensor<Data> {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`tensor: ${data.length} values do not fill the shape [${shape.join(", ")}]`);
  return { data, shape };
}

export const zeros = (shape: readonly number[]): FloatTensor => tensor(new Float32Array(sizeOf(shape)), shape);

/** Rows begin … end of the first axis, as a view: [B, …] → [end − begin, …]. */
export function rows(x: FloatTensor, begin: number, end: number): FloatTensor {
  const size = x.data.length / x.shape[0]!;
  return tensor(x.data.subarray(begin * size, end * size), [end - begin, ...x.shape.slice(1)]);
}

/** Joins along the first axis: [A, …] and [B, …] → [A + B, …]. */
export function concat(parts: readonly FloatTensor[]): FloatTensor {
  const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  const out = zeros([rows, ...parts[0]!.shape.slice(1)]);
  let offset = 0;
  for (const part of parts) {
    out.data.set(part.data, offset);
    offset += part.data.length;
  }
  return out;
}

/** Repeats the first axis: [1, …] → [count, …]. */
export const repeat = (x: FloatTensor, count: number): FloatTensor => concat(Array.from({ length: count }, () => x));

export const allFinite = (x: FloatTensor): boolean => x.data.every(Number.isFinite);

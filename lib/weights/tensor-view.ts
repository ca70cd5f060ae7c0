import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { bitsOf } from "#lib/tensor/dtype.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { TensorEntry } from "./safetensors.ts";

/**
 * A tensor of ours as a part of a foreign one. The steps apply in this order: rows are cut, the rest is reshaped, and
 * that is read transposed. Only the last changes the order of the numbers; the others name the same bytes differently.
 */
export interface TensorView {
  /** Our name. */
  readonly name: string;
  /** The slices begin … end − 1 along the first axis; all of them where this is left out. */
  readonly rows?: readonly [begin: number, end: number];
  readonly shape?: readonly number[];
  /** [m, n] in the file is [n, m] here. Where a reshape does as well, it is the better choice. */
  readonly transposed?: true;
  /** It is known, and a network may be built without it: that nothing asks for it does not make it another network. */
  readonly optional?: true;
}

/**
 * What a foreign tensor is among ours: one view, several (a fused projection), or none for a tensor that is known and
 * never needed. An unknown tensor keeps its name, so that it is found left over once a network was built.
 */
export type Naming = (entry: { readonly name: string; readonly shape: readonly number[] }) => readonly TensorView[];

/** The names of diffusers' UNet, of guides and of evaluators are ours. */
export const sameNames: Naming = ({ name }) => [{ name }];

/** One network of a file that holds several: the tensors under `prefix`, named without it, as `naming` has them. */
export const within =
  (prefix: string, naming: Naming): Naming =>
  ({ name, shape }) =>
    name.startsWith(prefix) ? naming({ name: name.slice(prefix.length), shape }) : [];

/**
 * Where the numbers of a view lie, and its shape. `what` is how messages name the network.
 *
 * @throws weights_mismatch where the foreign tensor cannot be read so, with its name
 */
export function viewTensor(what: string, entry: TensorEntry, view: TensorView): Omit<ExternalTensor, "path"> {
  const refuse = (why: string): never => {
    const shown = `"${entry.name}" ${entry.dtype} [${entry.shape.join(", ")}]`;
    throw new AppError(
      "weights_mismatch",
      `${what}: the tensor ${shown} cannot be read as "${view.name}", since ${why}; ` +
        "use the weights of a model of this family.",
      { name: entry.name, shape: entry.shape, view },
    );
  };
  const cut = view.rows ? cutRows(entry, view.rows, refuse) : entry;
  const shape = view.shape ?? cut.shape;
  if (sizeOf(shape) !== sizeOf(cut.shape))
    refuse(`[${cut.shape.join(", ")}] has ${sizeOf(cut.shape)} numbers and [${shape.join(", ")}] ${sizeOf(shape)}`);
  const place = { name: view.name, dtype: entry.dtype, begin: cut.begin, end: cut.end };
  if (!view.transposed) return { ...place, shape };
  if (shape.length !== 2) refuse(`only a matrix has a transpose, and this has ${shape.length} dimensions`);
  return { ...place, shape: shape.toReversed(), transposed: true };
}

type Slice = Pick<TensorEntry, "shape" | "begin" | "end">;

function cutRows(
  { dtype, shape, begin }: TensorEntry,
  [first, after]: readonly [number, number],
  refuse: (why: string) => never,
): Slice {
  const [count, ...rest] = shape;
  if (count === undefined) return refuse("it has no rows");
  const fits = Number.isInteger(first) && Number.isInteger(after) && 0 <= first && first <= after && after <= count;
  if (!fits) refuse(`the rows ${first} to ${after} are not whole rows among its ${count}`);
  const rowBytes = (sizeOf(rest) * bitsOf[dtype]) / 8;
  const [from, to] = [begin + first * rowBytes, begin + after * rowBytes];
  if (!Number.isInteger(from) || !Number.isInteger(to))
    refuse(`its rows ${first} to ${after} do not lie on whole bytes`);
  return { shape: [after - first, ...rest], begin: from, end: to };
}

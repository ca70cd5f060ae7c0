import type { Value } from "#lib/onnx/graph.ts";
import { matmul as product } from "#lib/onnx/ops/math.ts";
import { reshape, transpose } from "#lib/onnx/ops/shape.ts";
import type { Rule } from "../rule.ts";

/** Of A·B: dA = dY·Bᵀ and dB = Aᵀ·dY; of a side that is taken transposed, the transpose of that. */
export const matmul: Rule<"MatMul"> = ({ op, inputs: [a, b] }, dy) => {
  const { transposeLeft: left, transposeRight: right } = op;
  const shared = b.shape.length < a.shape.length; // one matrix for all leading axes
  return [
    () => {
      if (!left) return product(dy, b, { right: !right });
      return shared ? swapped(product(dy, b, { right: !right })) : product(b, dy, { left: right, right: true });
    },
    () => {
      // What served for all leading axes collects from all of them: in one product over all rows, where the rows lie together.
      const [x, g] = shared && !left ? [asRows(a), asRows(dy)] : [a, dy];
      return right ? product(g, x, { left: true, right: left }) : product(x, g, { left: !left });
    },
  ];
};

/** The last two axes change places. */
function swapped(x: Value): Value {
  const order = x.shape.map((_dim, axis) => axis);
  return transpose(x, [...order.slice(0, -2), order.length - 1, order.length - 2]);
}

/** [..., n] → [rows, n] */
function asRows(x: Value): Value {
  const rows = x.shape.slice(0, -1).reduce<number>((product, dim) => product * Number(dim), 1);
  return reshape(x, [rows, x.shape.at(-1)!]);
}

import type { Value } from "#lib/onnx/graph.ts";
import type { Dim } from "#lib/onnx/shape.ts";
import { add, matmul, multiply, softmax as shares, subtract, sumOver } from "#lib/onnx/ops/math.ts";
import { reshape, transpose } from "#lib/onnx/ops/shape.ts";
import type { Rule } from "../rule.ts";
import { scaled } from "./arithmetic.ts";
import { once } from "./once.ts";

/** Of shares P: dx = P · (dP − Σ dP · P). */
export const softmax: Rule<"Softmax"> = ({ y }, dy) => [
  () => throughShares(y, dy, sumOver(multiply(dy, y), [y.shape.length - 1])),
];

const throughShares = (shares: Value, dShares: Value, sum: Value): Value => multiply(shares, subtract(dShares, sum));

/**
 * Of Y = P·V with P = softmax(Q·Kᵀ / √d). The fused operator keeps P to itself, and here it is worked out again: kept instead, it
 * would take 537 MB for each of the wide layers of SD 1.5 from the forward pass on. Σ dP · P is taken over the narrow
 * dY · Y, which has the same row sums (Dao et al. 2022, arXiv 2205.14135, eq. 4).
 */
export const attention: Rule<"Attention"> = ({ op, inputs, y }, dy) => {
  const { heads, causal } = op;
  const width = Number(y.shape[2]) / heads;
  const parts = once(() => {
    const [q, k, v, out, dOut] = [...inputs, y, dy].map((x) => byHead(x, heads)) as [Value, Value, Value, Value, Value];
    const scores = scaled(matmul(q, k, { right: true }), 1 / Math.sqrt(width));
    return { q, k, dOut, out, v, shares: shares(causal ? add(scores, laterHidden(scores)) : scores) };
  });
  const dScores = once(() => {
    const { v, out, dOut, shares } = parts();
    const through = throughShares(shares, matmul(dOut, v, { right: true }), sumOver(multiply(dOut, out), [3]));
    return scaled(through, 1 / Math.sqrt(width));
  });
  return [
    () => together(matmul(dScores(), parts().k), y.shape[2]!),
    () => together(matmul(dScores(), parts().q, { left: true }), y.shape[2]!),
    () => together(matmul(parts().shares, parts().dOut, { left: true }), y.shape[2]!),
  ];
};

/** [B, S, heads · d] → [B, heads, S, d] */
function byHead(x: Value, heads: number): Value {
  const [batch, length, channels] = x.shape as [Dim, Dim, number];
  const apart = heads === 1 ? [batch, 1, length, channels] : [batch, length, heads, channels / heads];
  return heads === 1 ? reshape(x, apart) : transpose(reshape(x, apart), [0, 2, 1, 3]);
}

/** [B, heads, S, d] → [B, S, heads · d] */
function together(x: Value, channels: Dim): Value {
  const [batch, heads, length] = x.shape as [Dim, Dim, Dim];
  return reshape(heads === 1 ? x : transpose(x, [0, 2, 1, 3]), [batch, length, channels]);
}

/** Added to scores [..., S, S]: no share for what comes later. */
function laterHidden(scores: Value): Value {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  const data = Float32Array.from({ length: rows * columns }, (_, i) =>
    i % columns > Math.floor(i / columns) ? -1e30 : 0,
  );
  return scores.graph.constant({ data, shape: [rows, columns] });
}

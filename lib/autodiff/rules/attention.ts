import type { Value } from "#lib/onnx/graph.ts";
import type { Dim } from "#lib/onnx/shape.ts";
import { add, matmul, multiply, softmax as shares, subtract, sumOver } from "#lib/onnx/ops/math.ts";
import { concat, reshape, split, transpose } from "#lib/onnx/ops/shape.ts";
import type { Gradient, Rule } from "../rule.ts";
import { scaled } from "./arithmetic.ts";
import { once } from "./once.ts";

/** Of shares P: dx = P · (dP − Σ dP · P). */
export const softmax: Rule<"Softmax"> = ({ y }, dy) => [
  () => throughShares(y, dy, sumOver(multiply(dy, y), [y.shape.length - 1])),
];

const throughShares = (shares: Value, dShares: Value, sum: Value): Value => multiply(shares, subtract(dShares, sum));

/** Scores of more numbers than this (134 MB) are worked out one head after the other. */
const MANY_SCORES = 2 ** 25;

/**
 * Of Y = P·V with P = softmax(Q·Kᵀ / √d). The fused operator keeps P to itself, and here it is worked out again: kept instead, it
 * would take 537 MB for each of the wide layers of SD 1.5 from the forward pass on.
 */
export const attention: Rule<"Attention"> = ({ op: { heads, causal }, inputs, y }, dy) => {
  const [queries, keys, channels] = [Number(y.shape[1]), Number(inputs[1].shape[1]), y.shape[2]!];
  const byHead = [...inputs, y, dy].map((x) => headsApart(x, heads)) as [Value, Value, Value, Value, Value];
  if (Number(y.shape[0]) * heads * queries * keys <= MANY_SCORES)
    return throughHeads(byHead, causal).map((gradient) => () => headsTogether(gradient(), channels));

  // The gradients of a head are joined first, so that all of its scores are gone before the next head's come.
  const parts = once(() => {
    const ones = Array.from({ length: heads }, () => 1);
    const singles = byHead.map((x) => split(x, 1, ones));
    const eachHead = ones.map((_one, head) => {
      const own = singles.map((parts) => parts[head]!) as [Value, Value, Value, Value, Value];
      return concat(
        throughHeads(own, causal).map((gradient) => gradient()),
        2,
      );
    });
    return split(concat(eachHead, 1), 2, [queries, keys, keys]);
  });
  return inputs.map((_input, i) => () => headsTogether(parts()[i]!, channels));
};

/** Gradients of q, k and v, each [B, heads, S, d]. Σ dP · P is taken over the narrow dY · Y, which has the same sums (arXiv 2205.14135, eq. 4). */
function throughHeads([q, k, v, y, dy]: readonly [Value, Value, Value, Value, Value], causal: boolean): Gradient[] {
  // The narrow sides of each product are scaled, never the scores.
  const scaledDown = (x: Value): Value => scaled(x, 1 / Math.sqrt(Number(x.shape[3])));
  const parts = once(() => {
    const scores = matmul(scaledDown(q), k, { right: true });
    return shares(causal ? add(scores, laterHidden(scores)) : scores);
  });
  const dScores = once(() => throughShares(parts(), matmul(dy, v, { right: true }), sumOver(multiply(dy, y), [3])));
  return [
    () => scaledDown(matmul(dScores(), k)),
    () => scaledDown(matmul(dScores(), q, { left: true })),
    () => matmul(parts(), dy, { left: true }),
  ];
}

/** [B, S, heads · d] → [B, heads, S, d] */
function headsApart(x: Value, heads: number): Value {
  const [batch, length, channels] = x.shape as [Dim, Dim, number];
  const apart = heads === 1 ? [batch, 1, length, channels] : [batch, length, heads, channels / heads];
  return heads === 1 ? reshape(x, apart) : transpose(reshape(x, apart), [0, 2, 1, 3]);
}

/** [B, heads, S, d] → [B, S, heads · d] */
function headsTogether(x: Value, channels: Dim): Value {
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

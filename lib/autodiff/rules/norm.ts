import type { Value } from "#lib/onnx/graph.ts";
import { add, divide, multiply, subtract, sumOver } from "#lib/onnx/ops/math.ts";
import type { Rule } from "../rule.ts";
import { scaled } from "./arithmetic.ts";
import { once } from "./once.ts";

/**
 * x̂ = (x − μ) / σ, so dx = (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂)) / σ. The statistics are the node's own further outputs: asked for,
 * it is lowered to the form that yields them.
 */
export const instanceNorm: Rule<"InstanceNorm"> = ({ outputs, y }, dy, [, dMean, dInverse]) => [
  () => throughNorm(y, dy, outputs[2]!, dMean, dInverse),
];

/** y = x̂ · scale + shift. */
export const layerNorm: Rule<"LayerNorm"> = ({ inputs: [x, scale], outputs }, dy, [, dMean, dInverse]) => {
  const [, mean, inverse] = outputs as [Value, Value, Value];
  const normal = once(() => multiply(subtract(x, mean), inverse));
  return [
    () => throughNorm(normal(), multiply(dy, scale), inverse, dMean, dInverse),
    () => multiply(dy, normal()),
    () => dy,
  ];
};

/** `dMean` and `dInverse` are there in a gradient's own gradient. */
function throughNorm(normal: Value, dNormal: Value, inverse: Value, dMean?: Value | null, dInverse?: Value | null) {
  const last = normal.shape.length - 1;
  const perElement = (x: Value): Value => scaled(x, 1 / Number(normal.shape[last]));
  let shift = perElement(sumOver(dNormal, [last]));
  let slope = perElement(sumOver(multiply(dNormal, normal), [last]));
  if (dMean) shift = subtract(shift, perElement(divide(dMean, inverse)));
  if (dInverse) slope = add(slope, perElement(multiply(dInverse, inverse)));
  // One factor for each row is made first, so that fewer passes go over whole pictures.
  const corrections = add(multiply(normal, multiply(slope, inverse)), multiply(shift, inverse));
  return subtract(multiply(dNormal, inverse), corrections);
}

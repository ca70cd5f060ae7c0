import type { ExternalTensor, Graph, Value } from "#lib/onnx/graph.ts";
import { add, cast, divide, matmul, multiply, scalar, squareRoot, subtract, sumOver } from "#lib/onnx/ops/math.ts";
import { reshape, transpose } from "#lib/onnx/ops/shape.ts";
import type { FullChange, LowRankChange, Magnitude, WeightChange } from "#lib/weights/adapters/weight-change.ts";

/**
 * A weight after the changes of several adapters, one after the other: [out, in(, k, k)] → the same, of the same type.
 * It is constant, so the runtime folds it once, when the graph is opened.
 *
 * A DoRA rescales what the adapters before it left, by a norm of the base's own weight: so does peft 0.21
 * (`lora/variants.py`).
 */
export function adaptedWeight(weight: Value, changes: readonly WeightChange[]): Value {
  if (changes.length === 0) return weight;
  const base = cast(weight, "float32");
  return cast(
    changes.reduce((before, change) => changed(before, change, base), base),
    weight.type,
  );
}

/** A bias after the changes of several adapters: [out] → the same. */
export const adaptedBias = (bias: Value, changes: readonly FullChange[]): Value =>
  changes.length === 0 ? bias : cast(changes.reduce(fullyChanged, cast(bias, "float32")), bias.type);

function changed(before: Value, change: WeightChange, base: Value): Value {
  if (change.kind === "full") return fullyChanged(before, change);
  const { magnitude, strength } = change;
  const delta = scaled(reshape(product(base.graph, change), base.shape), change.scale);
  if (!magnitude) return add(before, scaled(delta, strength));
  if (magnitude.rule === "PEFT") {
    const step = scaled(delta, strength);
    return multiply(add(before, step), factorOf(add(base, step), magnitude));
  }
  const trained = add(base, delta);
  const step = subtract(multiply(trained, factorOf(trained, magnitude)), base);
  return add(before, scaled(step, strength));
}

const fullyChanged = (before: Value, { difference, strength }: FullChange): Value =>
  add(before, scaled(reshape(valueOf(before.graph, difference), before.shape), strength));

/** up·down as a matrix, [out, in·k·k], before it is scaled. */
function product(graph: Graph, { up, mid, down }: LowRankChange): Value {
  const rank = down.shape[0]!;
  const matrix = (tensor: ExternalTensor, rows: number): Value =>
    reshape(valueOf(graph, tensor), [rows, tensor.shape.reduce((size, dim) => size * dim, 1) / rows]);
  const [ups, downs] = [matrix(up, up.shape[0]!), matrix(down, rank)];
  if (!mid) return matmul(ups, downs);
  const [out, inputs, pixels] = [up.shape[0]!, down.shape[1]!, mid.shape[2]! * mid.shape[3]!];
  // [out, p] · [p, q·k²], then the q in front of the pixels meets the rows of down, and the pixels go back to the end.
  const left = transpose(reshape(matmul(ups, matrix(mid, rank)), [out, rank, pixels]), [0, 2, 1]);
  const whole = reshape(matmul(reshape(left, [out * pixels, rank]), downs), [out, pixels, inputs]);
  return reshape(transpose(whole, [0, 2, 1]), [out, inputs * pixels]);
}

/** m / ‖W‖, to be multiplied with W: [out, 1(, 1, 1)] or [1, in(, 1, 1)]. */
function factorOf(weight: Value, { tensor, of, rule }: Magnitude): Value {
  const axis = of === "outputs" ? 0 : 1;
  const others = weight.shape.map((_dim, i) => i).filter((i) => i !== axis);
  const norm = squareRoot(sumOver(multiply(weight, weight), others));
  // LyCORIS keeps a norm of zero from dividing by the smallest step of a float32.
  const divisor = rule === "LyCORIS" ? add(norm, scalar(norm, 2 ** -23)) : norm;
  return divide(reshape(valueOf(weight.graph, tensor), norm.shape), divisor);
}

const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : multiply(x, scalar(x, factor)));

const valueOf = (graph: Graph, tensor: ExternalTensor): Value => cast(graph.external(tensor), "float32");

import type { Node, Value } from "#lib/onnx/graph.ts";
import type { OpType } from "#lib/onnx/op.ts";
import type { FloatType, Shape } from "#lib/onnx/shape.ts";
import { add, sumOver } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { Recomputation } from "./recompute.ts";
import type { Rule } from "./rule.ts";
import { rules } from "./rules.ts";
import { zeros } from "./rules/shape.ts";

export interface DifferentiateOptions {
  /** Keep the inputs of each block of the network alone and compute the rest again: less memory, a forward pass more. */
  readonly recompute?: boolean;
}

/**
 * Appends to the loss's graph what computes its gradients by the targets (inputs of the graph, or anything in it), in reverse mode: from
 * the last node to the first, each by the rule of its operator. Only what lies between a target and the loss is passed through.
 *
 * @param loss     one number
 * @param targets  float values of a known shape; one that the loss does not depend on gets zeros
 */
export function differentiate(
  loss: Value,
  targets: readonly Value[],
  { recompute = false }: DifferentiateOptions = {},
): Value[] {
  if (sizeOf(loss.shape.map(Number)) !== 1)
    throw new Error(`differentiate: a loss is one number, not [${loss.shape.join()}]`);
  const { graph } = loss;
  const nodes = [...graph.nodes];
  const reached = reachedFrom(targets, nodes);
  const again = recompute ? new Recomputation(graph, targets) : null;
  const gradients = new Map([[loss, constantOne(loss)]]);

  for (const node of nodes.toReversed()) {
    const all = node.outputs.map((output) => (reached.has(output) ? (gradients.get(output) ?? null) : null));
    const any = all.find((gradient) => gradient !== null);
    if (!any) continue;
    const parts = applyRule(again ? again.of(node, any) : node, all);
    node.inputs.forEach((input, i) => {
      const gradient = reached.has(input) && parts[i]?.();
      if (!gradient) return;
      const [fitted, before] = [sumTo(gradient, input.shape), gradients.get(input)];
      gradients.set(input, before ? add(before, fitted) : fitted);
    });
  }
  return targets.map((target) => gradients.get(target) ?? zeros(target));
}

function applyRule(node: Node, all: readonly (Value | null)[]): ReturnType<Rule<OpType>> {
  const [y] = node.outputs as [Value];
  const rule = rules[node.op.type] as Rule<never>; // which the table's type pairs with the operator
  return rule({ ...node, y } as never, all[0] ?? zeros(y), all);
}

/** The targets, and every value that some of them is needed for. */
function reachedFrom(targets: readonly Value[], nodes: readonly Node[]): ReadonlySet<Value> {
  const reached = new Set(targets);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((input) => reached.has(input))) for (const output of outputs) reached.add(output);
  return reached;
}

/** A value that was broadcast takes part in each of its copies, so their gradients are summed. */
function sumTo(gradient: Value, shape: Shape): Value {
  const extra = gradient.shape.length - shape.length;
  const stretched = gradient.shape.flatMap((dim, axis) => (axis < extra || dim !== shape[axis - extra] ? [axis] : []));
  const summed = stretched.length === 0 ? gradient : sumOver(gradient, stretched);
  return extra === 0 ? summed : reshape(summed, shape);
}

const constantOne = ({ graph, shape, type }: Value): Value =>
  graph.constant({ data: Float32Array.of(1), shape: shape.map(Number) }, type as FloatType);

import type { Value } from "#lib/onnx/graph.ts";
import type { OpOf, OpType } from "#lib/onnx/op.ts";

/** A node as a rule sees it: `y` is its first output. */
export interface RuleNode<Type extends OpType> {
  readonly op: OpOf<Type>;
  readonly inputs: InputsOf<Type>;
  readonly outputs: readonly Value[];
  readonly y: Value;
}

/** Builds the gradient of one input, of that input's shape or of one that was broadcast from it. */
export type Gradient = () => Value;

/**
 * The vector–Jacobian product of an operator: from `dy`, the gradient of what it yields, those of what it takes, in order.
 * Each is built only where somebody needs it; null stands for none, where the result does not change smoothly with the input.
 *
 * @param all  the gradients of all outputs; null for one that the loss does not depend on. `dy` is the first, zeros where it has none
 */
export type Rule<Type extends OpType> = (
  node: RuleNode<Type>,
  dy: Value,
  all: readonly (Value | null)[],
) => readonly (Gradient | null)[];

/** A rule for every operator: one that is missing does not compile. */
export type Rules = { readonly [Type in OpType]: Rule<Type> };

type InputsOf<Type extends OpType> = Type extends "Add" | "Subtract" | "Multiply" | "Divide" | "MatMul" | "Gather"
  ? readonly [Value, Value]
  : Type extends "ConvolutionTransposed"
    ? readonly [Value, Value]
    : Type extends "Convolution"
      ? readonly [Value, Value, Value?]
      : Type extends "Attention" | "LayerNorm" | "ScatterAdd"
        ? readonly [Value, Value, Value]
        : Type extends "Concat"
          ? readonly Value[]
          : readonly [Value];

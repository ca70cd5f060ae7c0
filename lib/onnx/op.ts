import type { ElementType, Shape } from "./shape.ts";

/**
 * Every operator that a graph may hold, with all that decides its result beside its inputs. The set is closed: whatever works on
 * graphs (lowering, counting, differentiation) names each, and a new one does not compile until they all do.
 *
 * How the functions in `ops/` use them says what the inputs are and which shapes come out.
 */
export type Op =
  | { readonly type: "Add" | "Subtract" | "Multiply" | "Divide" }
  | { readonly type: UnaryType }
  | { readonly type: "Cast"; readonly to: ElementType }
  | { readonly type: "MatMul"; readonly transposeLeft: boolean; readonly transposeRight: boolean }
  | { readonly type: "SumOver"; readonly axes: readonly number[] }
  | { readonly type: "Expand"; readonly shape: Shape }
  | { readonly type: "Convolution"; readonly kernel: number; readonly stride: number; readonly padding: Padding }
  | {
      readonly type: "ConvolutionTransposed";
      readonly kernel: number;
      readonly stride: number;
      readonly padding: Padding;
      readonly height: number;
      readonly width: number;
    }
  | { readonly type: "Softmax" }
  | { readonly type: "Attention"; readonly heads: number; readonly causal: boolean }
  | { readonly type: "InstanceNorm" | "LayerNorm"; readonly epsilon: number }
  | { readonly type: "Reshape"; readonly shape: Shape }
  | { readonly type: "Transpose"; readonly order: readonly number[] }
  | { readonly type: "Concat"; readonly axis: number }
  | { readonly type: "Split"; readonly axis: number; readonly sizes: readonly number[] }
  | { readonly type: "Slice"; readonly cuts: readonly Cut[] }
  | { readonly type: "Flip"; readonly axes: readonly number[] }
  | { readonly type: "Pad"; readonly before: readonly number[]; readonly after: readonly number[] }
  | { readonly type: "Gather" | "ScatterAdd" }
  | { readonly type: "ResizeNearest"; readonly height: number; readonly width: number };

export type UnaryType =
  | "Sigmoid"
  | "Tanh"
  | "Erf"
  | "Exp"
  | "Sine"
  | "Cosine"
  | "SquareRoot"
  | "Relu"
  | "Sign"
  | "Softplus";

export type OpType = Op["type"];

/** One operator of the set. */
export type OpOf<Type extends OpType> = Op & { readonly type: Type };

/** What stays of an axis: every `step`-th from `begin`, before `end`. */
export interface Cut {
  readonly axis: number;
  readonly begin: number;
  readonly end: number;
  readonly step: number;
}

/** Zeros around a picture, in pixels. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

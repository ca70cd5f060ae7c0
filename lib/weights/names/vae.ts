import type { Naming, TensorView } from "#lib/weights/tensor-view.ts";

/**
 * AutoencoderKL. Our names are those of diffusers since 0.15; before that the attention of the middle block was spelt
 * otherwise, and published SD 1.x and 2.x folders still are.
 */
export const vaeNaming: Naming = ({ name, shape }) => [
  autoencoderView(
    name.replace(/(?<=\.attentions\.\d\.)(query|key|value|proj_attn)(?=\.)/, (old) => oldAttention[old]!),
    shape,
  ),
];

const oldAttention: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

/** LDM projects with 1×1 convolutions, [C, C, 1, 1] or [C, C, 1], where our attention has matrices [C, C]. */
export function autoencoderView(name: string, shape: readonly number[]): TensorView {
  const isConvolution = shape.length > 2 && shape.slice(2).every((side) => side === 1);
  return isConvolution && isProjection.test(name) ? { name, shape: shape.slice(0, 2) } : { name };
}

const isProjection = /\.attentions\.\d\.to_(?:q|k|v|out\.0)\.weight$/;

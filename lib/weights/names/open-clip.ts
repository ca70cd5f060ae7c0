import type { Naming, TensorView } from "#lib/weights/tensor-view.ts";
import { textEncoderView } from "./clip.ts";

/**
 * The text encoder of SD 2.x (ViT-H) and the second of SDXL (ViT-bigG) in the names of OpenCLIP (`open_clip/model.py`
 * and `transformer.py`), as single-file checkpoints hold it. Queries, keys and values are one matrix there, and the
 * projection is [width, projected], multiplied from the right: the transpose of a linear layer's weight.
 *
 * The logit scale and bias, a vision tower, and tables that can be computed (the causal mask, position ids) are not
 * needed.
 */
export const openClipNaming: Naming = ({ name, shape }) => {
  if (isBesideTextEncoder(name)) return [];
  const plain = fixed.get(name);
  if (plain) return [textEncoderView(plain)];
  if (name === "text_projection") return [{ ...textEncoderView("text_projection.weight"), transposed: true }];
  const [, index, inside] = /^transformer\.resblocks\.(\d{1,4})\.(.+)$/.exec(name) ?? [];
  if (index === undefined || inside === undefined) return [{ name }];
  const layer = `encoder.layers.${index}`;
  if (inside === "attn.in_proj_weight") return thirds(`${layer}.self_attn`, "weight", shape);
  if (inside === "attn.in_proj_bias") return thirds(`${layer}.self_attn`, "bias", shape);
  const leaf = inside.lastIndexOf(".");
  const ours = layers.get(inside.slice(0, leaf));
  return [ours ? textEncoderView(`${layer}.${ours}${inside.slice(leaf)}`) : { name }];
};

const isBesideTextEncoder = (name: string): boolean =>
  name === "logit_scale" ||
  name === "logit_bias" ||
  name === "attn_mask" ||
  name === "transformer.text_model.embeddings.position_ids" || // ComfyUI saved it so for a while
  name.startsWith("visual.");

const fixed = new Map([
  ["positional_embedding", "embeddings.position_embedding.weight"],
  ["token_embedding.weight", "embeddings.token_embedding.weight"],
  ["ln_final.weight", "final_layer_norm.weight"],
  ["ln_final.bias", "final_layer_norm.bias"],
  ["text_projection.weight", "text_projection.weight"], // where it is a linear layer already
]);

const layers = new Map([
  ["attn.out_proj", "self_attn.out_proj"],
  ["ln_1", "layer_norm1"],
  ["ln_2", "layer_norm2"],
  ["mlp.c_fc", "mlp.fc1"],
  ["mlp.c_proj", "mlp.fc2"],
]);

/** Rows that do not divide by three are refused where the view is taken. */
function thirds(attention: string, leaf: string, shape: readonly number[]): TensorView[] {
  const width = (shape[0] ?? 0) / 3;
  return ["q_proj", "k_proj", "v_proj"].map((projection, i) => ({
    ...textEncoderView(`${attention}.${projection}.${leaf}`),
    rows: [i * width, (i + 1) * width],
  }));
}

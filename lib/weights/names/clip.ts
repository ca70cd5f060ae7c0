import type { Naming, TensorView } from "#lib/weights/tensor-view.ts";

/**
 * CLIP's text encoder in the names of transformers. Ours are those of the text transformer itself; transformers before
 * 5.6 writes them under `text_model.`, later ones do not, and checkpoints of 2022 have them bare as well.
 *
 * What else may lie beside them is taken by transformers too: `from_pretrained` names unexpected tensors in a warning
 * and goes on (diffusers' `from_single_file` says nothing). A folder may hold the whole CLIPModel (a vision tower, both
 * projections, the logit scale), or `position_ids`, a table 0, 1, 2 … that transformers before 4.31 saved.
 */
export const clipNaming: Naming = ({ name: foreign }) => {
  const name = foreign.startsWith("text_model.") ? foreign.slice("text_model.".length) : foreign;
  return isBesideTextEncoder(name) ? [] : [textEncoderView(name)];
};

const isBesideTextEncoder = (name: string): boolean =>
  name === "embeddings.position_ids" ||
  name === "logit_scale" ||
  name.startsWith("vision_model.") ||
  name.startsWith("visual_projection.");

/**
 * CLIP's vision tower in a file that holds the whole CLIPModel. Ours are the names of the vision transformer itself; the projection
 * keeps its own.
 */
export const clipVisionNaming: Naming = ({ name: foreign }) => {
  if (foreign.startsWith("text_model.") || isBesideTowers.has(foreign)) return [];
  const name = foreign.startsWith("vision_model.") ? foreign.slice("vision_model.".length) : foreign;
  return name === "embeddings.position_ids" ? [] : [{ name }];
};

const isBesideTowers = new Set(["text_projection.weight", "logit_scale"]);

/**
 * The layers and the final norm are optional, because a text encoder may be read before its end: a config with fewer
 * `num_hidden_layers` than the file has is a clip skip, and SDXL takes the last state but one of its first encoder. So
 * is the projection, which only pooled text goes through.
 */
export const textEncoderView = (name: string): TensorView =>
  isLayerTensor.test(name) || isEndTensor.has(name) ? { name, optional: true } : { name };

const isLayerTensor =
  /^encoder\.layers\.\d+\.(?:self_attn\.(?:q|k|v|out)_proj|mlp\.fc[12]|layer_norm[12])\.(?:weight|bias)$/;
const isEndTensor = new Set(["final_layer_norm.weight", "final_layer_norm.bias", "text_projection.weight"]);

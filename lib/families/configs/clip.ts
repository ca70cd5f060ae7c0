import type { ConfigJson } from "../family.ts";

const clip: ConfigJson = {
  architectures: ["CLIPTextModel"],
  attention_dropout: 0.0,
  bos_token_id: 0,
  dropout: 0.0,
  eos_token_id: 2,
  initializer_factor: 1.0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  model_type: "clip_text_model",
  pad_token_id: 1,
  vocab_size: 49408,
};

/** openai/clip-vit-large-patch14: the encoder of SD 1.x and the first of SDXL. */
export const clipL: ConfigJson = {
  ...clip,
  hidden_act: "quick_gelu",
  hidden_size: 768,
  intermediate_size: 3072,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  projection_dim: 768,
};

/** laion/CLIP-ViT-H-14: 24 layers, of which SD 2.x was trained on the 23rd; so its config stops there. */
export const openClipH: ConfigJson = {
  ...clip,
  hidden_act: "gelu",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  num_hidden_layers: 23,
  projection_dim: 512,
};

/** laion/CLIP-ViT-bigG-14, with its projection: the second encoder of SDXL. */
export const openClipBigG: ConfigJson = {
  ...clip,
  architectures: ["CLIPTextModelWithProjection"],
  hidden_act: "gelu",
  hidden_size: 1280,
  intermediate_size: 5120,
  num_attention_heads: 20,
  num_hidden_layers: 32,
  projection_dim: 1280,
};

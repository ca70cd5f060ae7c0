import type { Tensors } from "./facts.ts";
import { isLowRankTensor, spellingOf } from "./low-rank-names.ts";

export type Kind = FileKind | "diffusers folder" | "component folder";

export type FileKind =
  | "single-file checkpoint"
  | "unet"
  | "text encoder"
  | "vae"
  | "low-rank fine-tune"
  | "guide"
  | "evaluator"
  | "latents"
  | "diffusion transformer"
  | "controlnet"
  | "embedding"
  | "unknown";

export interface Recognised {
  readonly kind: FileKind;
  /** In which of its kind's spellings it comes. */
  readonly form: string | null;
}

/** What a file's tensors are, by their names and shapes alone. What fits nothing is unknown: there is no default. */
export function recognise(tensors: Tensors): Recognised {
  const rule = rules.find(({ fits }) => fits(tensors));
  if (!rule) return { kind: "unknown", form: null };
  return { kind: rule.kind, form: typeof rule.form === "function" ? rule.form(tensors) : rule.form };
}

interface Rule {
  readonly kind: FileKind;
  readonly form: string | null | ((tensors: Tensors) => string | null);
  readonly fits: (tensors: Tensors) => boolean;
}

type Fits = Rule["fits"];
const has =
  (...names: readonly string[]): Fits =>
  (tensors) =>
    names.every((name) => tensors.has(name));
const any =
  (pattern: RegExp): Fits =>
  (tensors) =>
    tensors.keys().some((name) => pattern.test(name));
const rank =
  (name: string, dimensions: number): Fits =>
  (tensors) =>
    tensors.get(name)?.shape.length === dimensions;
/** All but one of them: a file that lacks one is of that kind still, and is told which. */
const nearly =
  (...names: readonly string[]): Fits =>
  (tensors) =>
    names.filter((name) => tensors.has(name)).length >= names.length - 1;
const all =
  (...parts: readonly Fits[]): Fits =>
  (tensors) =>
    parts.every((part) => part(tensors));

/** The first that fits holds, so what contains another kind's names stands before it. */
const rules: readonly Rule[] = [
  { kind: "low-rank fine-tune", form: spellingOf, fits: mostlyLowRank },
  { kind: "controlnet", form: "LDM names", fits: any(/^(control_model\.|input_hint_block\.|lora_controlnet$)/) },
  {
    kind: "controlnet",
    form: "diffusers names",
    fits: any(/^controlnet_(cond_embedding|down_blocks|mid_block|blocks)\b/),
  },
  { kind: "single-file checkpoint", form: "LDM names", fits: any(/^model\.diffusion_model\./) },
  {
    kind: "guide",
    form: null,
    fits: nearly("guidance_embedding.linear_1.weight", "zero_convs.0.weight", "mid_zero_conv.weight"),
  },
  {
    kind: "evaluator",
    form: null,
    fits: has("conv_in.weight", "blocks.0.conv1.weight", "features.weight", "heads.weight"),
  },
  {
    kind: "unet",
    form: "diffusers names",
    fits: has(
      "conv_in.weight",
      "time_embedding.linear_1.weight",
      "down_blocks.0.resnets.0.conv1.weight",
      "conv_out.weight",
    ),
  },
  { kind: "unet", form: "LDM names", fits: has("input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight") },
  {
    kind: "diffusion transformer",
    form: "original names",
    fits: any(/^(double_blocks\.0\.img_attn\.|joint_blocks\.0\.)/),
  },
  {
    kind: "diffusion transformer",
    form: "diffusers names",
    fits: has("context_embedder.weight", "transformer_blocks.0.attn.add_k_proj.weight"),
  },
  { kind: "text encoder", form: "CLIP", fits: any(/^(text_model\.)?embeddings\.token_embedding\.weight$/) },
  {
    kind: "text encoder",
    form: "OpenCLIP",
    fits: has("token_embedding.weight", "transformer.resblocks.0.ln_1.weight"),
  },
  { kind: "text encoder", form: "T5", fits: has("encoder.block.0.layer.0.SelfAttention.q.weight") },
  { kind: "vae", form: "diffusers names", fits: all(isDecoder, has("decoder.mid_block.resnets.0.conv1.weight")) },
  { kind: "vae", form: "LDM names", fits: all(isDecoder, has("decoder.mid.block_1.conv1.weight")) },
  { kind: "embedding", form: null, fits: isEmbedding },
  {
    kind: "latents",
    form: null,
    fits: all(rank("latents", 4), (tensors) => /^(B?F16|F32|F64)$/.test(tensors.get("latents")!.dtype)),
  },
];

function mostlyLowRank(tensors: Tensors): boolean {
  const count = tensors.keys().filter(isLowRankTensor).toArray().length;
  return count > 0 && 2 * count > tensors.size;
}

/** An autoencoder's decoder, whose latents are not words of a code book. */
function isDecoder(tensors: Tensors): boolean {
  return tensors.get("decoder.conv_in.weight")?.shape.length === 4 && !tensors.has("quantize.embedding.weight");
}

/** Textual inversion: vectors for new words. A1111 names them `emb_params`, or `clip_l` and `clip_g` for SDXL; diffusers by the new word. */
function isEmbedding(tensors: Tensors): boolean {
  if (tensors.has("emb_params") || has("clip_l", "clip_g")(tensors)) return tensors.size <= 2;
  const [only] = tensors.values();
  return tensors.size === 1 && /^<.+>$/.test(only!.name) && only!.shape.length <= 2;
}

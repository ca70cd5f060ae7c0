import { recogniseAutoencoder } from "#lib/families/autoencoder.ts";
import { unwrapped } from "#lib/families/names-within.ts";
import { recogniseDenoiser } from "#lib/families/recognise-denoiser.ts";
import { recogniseTextEncoder, recogniseVisionEncoder } from "#lib/families/text-encoder.ts";
import type { Tensors } from "./facts.ts";
import { isLowRankTensor, spellingOf } from "./low-rank-names.ts";

export type Kind = FileKind | "diffusers folder" | "component folder" | "CLIP folder" | "GGUF file";

export type FileKind =
  | "single-file checkpoint"
  | "unet"
  | "text encoder"
  | "vision encoder"
  | "vae"
  | "low-rank fine-tune"
  | "guide"
  | "evaluator"
  | "CLIP"
  | "latents"
  | "diffusion transformer"
  | "controlnet"
  | "adapter"
  | "motion module"
  | "embedding"
  | "hypernetwork"
  | "upscaler"
  | "safety checker"
  | "scorer"
  | "unknown";

export interface Recognised {
  readonly kind: FileKind;
  /** In which of its kind's spellings it comes. */
  readonly form: string | null;
  /** The tensors under the names that its kind gives them, whatever they were saved under. */
  readonly bare: Tensors;
}

/** What a file's tensors are, by their names and shapes alone. What fits nothing is unknown: there is no default. */
export function recognise(tensors: Tensors): Recognised {
  for (const bare of [tensors, unwrapped(tensors)]) {
    const found = bare && firstThatFits(bare);
    if (found) return { ...found, bare };
  }
  return { kind: "unknown", form: null, bare: tensors };
}

interface Found {
  readonly kind: FileKind;
  readonly form: string | null;
}

function firstThatFits(tensors: Tensors): Found | null {
  for (const rule of rules) {
    const found = rule(tensors);
    if (found) return found;
  }
  return null;
}

/** Null where the tensors are not of its kind. */
type Rule = (tensors: Tensors) => Found | null;
type Fits = (tensors: Tensors) => boolean;

const is =
  (kind: FileKind, form: string | null, fits: Fits): Rule =>
  (tensors) =>
    fits(tensors) ? { kind, form } : null;
const has =
  (...names: readonly string[]): Fits =>
  (tensors) =>
    names.every((name) => tensors.has(name));
const any =
  (pattern: RegExp): Fits =>
  (tensors) =>
    tensors.keys().some((name) => pattern.test(name));
const most =
  (pattern: RegExp): Fits =>
  (tensors) =>
    2 * count(tensors, (name) => pattern.test(name)) > tensors.size;
/** All but one of them: a file that lacks one is of that kind still, and a problem names the one. */
const nearly =
  (...names: readonly string[]): Fits =>
  (tensors) =>
    names.filter((name) => tensors.has(name)).length >= names.length - 1;

/** The first that fits holds, so what contains another kind's names stands before it. */
const rules: readonly Rule[] = [
  (tensors) =>
    2 * count(tensors, isLowRankTensor) > tensors.size
      ? { kind: "low-rank fine-tune", form: spellingOf(tensors) }
      : null,
  is("controlnet", "Control-LoRA", has("lora_controlnet")),
  is("controlnet", "ControlNet-LLLite", any(/^lllite_/)),
  is("controlnet", "LDM names", any(/^(control_model\.|input_hint_block\.)/)),
  is("controlnet", "diffusers names", any(/^controlnet_(cond_embedding|down_blocks|mid_block|blocks|x_embedder)\b/)),
  is("single-file checkpoint", "LDM names", any(/^model\.diffusion_model\./)),
  is("guide", null, nearly("guidance_embedding.linear_1.weight", "zero_convs.0.weight", "mid_zero_conv.weight")),
  is("evaluator", null, has("conv_in.weight", "blocks.0.conv1.weight", "features.weight", "heads.weight")),
  is("CLIP", "transformers names", has("logit_scale", "visual_projection.weight", "text_projection.weight")),
  is("adapter", "IP-Adapter", any(/^(image_proj|ip_adapter)\./)),
  is("adapter", "T2I-Adapter", any(/^(adapter\.)?body\.0\.(block1|in_conv|resnets\.0\.block1)\.weight$/)),
  is("motion module", "AnimateDiff", most(/(^|\.)motion_modules\./)),
  (tensors) => {
    const found = recogniseDenoiser(tensors);
    return found && { kind: found.network === "unet" ? "unet" : "diffusion transformer", form: `${found.names} names` };
  },
  is("safety checker", null, has("concept_embeds", "special_care_embeds")),
  (tensors) => {
    const found = recogniseTextEncoder(tensors);
    return found && { kind: "text encoder", form: found.names };
  },
  (tensors) => (recogniseVisionEncoder(tensors) ? { kind: "vision encoder", form: null } : null),
  (tensors) => {
    const found = recogniseAutoencoder(tensors);
    return found && { kind: "vae", form: `${found.names} names` };
  },
  is("upscaler", "ESRGAN", has("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight")),
  is("upscaler", "ESRGAN", any(/^(RRDB_trunk\.0|body\.0)\.(rdb1|RDB1)\.conv1\.weight$/)),
  is("upscaler", "SwinIR", any(/^layers\.0\.residual_group\.blocks\.0\.attn\./)),
  is("upscaler", null, (tensors) => has("conv_first.weight")(tensors) && any(/^(upconv1|upsample|conv_last)/)(tensors)),
  is("scorer", "aesthetic", isAestheticScorer),
  is("hypernetwork", null, most(/^\d+\.[01]\.linear\./)),
  is("embedding", null, isEmbedding),
  is("latents", null, isLatents),
];

const count = (tensors: Tensors, fits: (name: string) => boolean): number =>
  tensors.keys().filter(fits).toArray().length;

function isLatents(tensors: Tensors): boolean {
  const latents = tensors.get("latents");
  return latents?.shape.length === 4 && /^(B?F16|F32|F64)$/.test(latents.dtype);
}

/** LAION's predictors of taste: some layers, or one, on the picture embedding of CLIP ViT-L/14. */
function isAestheticScorer(tensors: Tensors): boolean {
  const first = tensors.get("layers.0.weight") ?? tensors.get("linear.weight") ?? null;
  return first !== null && tensors.size <= 16 && first.shape.length === 2 && first.shape[1] === 768;
}

/**
 * Textual inversion: vectors for new words. A1111 names them `emb_params`, or `clip_l` and `clip_g` for SDXL;
 * diffusers by the new words, of which a file may have several.
 */
function isEmbedding(tensors: Tensors): boolean {
  const names = [...tensors.keys()];
  const areVectors = tensors.values().every(({ shape }) => shape.length <= 2);
  if (names.includes("emb_params")) return names.length <= 2;
  if (names.length === 0 || names.length > MAX_WORDS || !areVectors) return false;
  return names.every((name) => name === "clip_l" || name === "clip_g" || /^<[^<>]+>$/.test(name));
}

const MAX_WORDS = 64;

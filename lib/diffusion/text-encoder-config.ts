import { z } from "zod";
import { parseConfig, requireDivides, size } from "./config-json.ts";

/** What a CLIP text encoder computes: OpenAI's, OpenCLIP's, with a projection of the whole text or without. */
export interface TextEncoderConfig {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly maxTokens: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
  /** Width of the pooled text, of a CLIPTextModelWithProjection. */
  readonly projection: number | null;
  /** The token whose state stands for the whole text; null where it is the one of the highest number. */
  readonly endToken: number | null;
}

const textEncoderJson = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(64),
  num_attention_heads: size,
  vocab_size: z.int().min(2).max(1_000_000),
  max_position_embeddings: size.max(4096),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: size.nullish(),
  eos_token_id: z.int().min(0).nullish(),
});

/** transformers 4.29 and older wrote 2 whatever the token was, and took the highest number; for the 2 it still does. */
const LEGACY_END_TOKEN = 2;

const DEFAULT_PROJECTION = 512; // CLIPTextConfig's own

/** The config of a whole CLIP, with its picture tower, holds that of the text; transformers reads the latter. */
const wholeClip = z.looseObject({ text_config: z.looseObject({}) });

export const PROJECTING = "CLIPTextModelWithProjection";

/**
 * @param className  the class that a folder's index gives the encoder, which is the one that diffusers makes; without one, what the
 *                   config says of itself
 * @param advice  what to do instead, where it is not the encoder of a Stable Diffusion
 * @throws unsupported_model
 */
export function parseTextEncoderConfig(
  json: unknown,
  file: string,
  className: string | null = null,
  advice?: string,
): TextEncoderConfig {
  const raw = parseConfig(textEncoderJson, wholeClip.safeParse(json).data?.text_config ?? json, file, advice);
  requireDivides(raw.hidden_size, raw.num_attention_heads, "num_attention_heads", file);
  const projects = className === null ? (raw.architectures?.includes(PROJECTING) ?? false) : className === PROJECTING;
  const end = raw.eos_token_id ?? LEGACY_END_TOKEN;
  return {
    width: raw.hidden_size,
    hidden: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads: raw.num_attention_heads,
    vocabulary: raw.vocab_size,
    maxTokens: raw.max_position_embeddings,
    activation: raw.hidden_act,
    epsilon: raw.layer_norm_eps,
    projection: projects ? (raw.projection_dim ?? DEFAULT_PROJECTION) : null,
    endToken: end === LEGACY_END_TOKEN ? null : end,
  };
}

import { z } from "zod";
import { parseConfig, requireDivides, size, useOwnConfig } from "#lib/diffusion/config-json.ts";
import type { ClipLayerConfig } from "#lib/diffusion/clip.ts";
import { parseTextEncoderConfig, PROJECTING, type TextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { AppError } from "#lib/errors.ts";

/** What CLIP's vision transformer computes (Radford et al. 2021, arXiv 2103.00020, §2.4). */
export interface VisionConfig extends ClipLayerConfig {
  readonly layers: number;
  /** Sides of a picture and of a patch, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
}

/** A whole CLIP, with both towers. */
export interface ClipConfig {
  readonly text: TextEncoderConfig;
  readonly vision: VisionConfig;
  /** Width of what both towers are projected to. */
  readonly projection: number;
}

const part = z.looseObject({}).nullish();
const clipJson = z.looseObject({
  model_type: z.literal("clip"),
  text_config: part,
  vision_config: part,
  /** The files of 2022 hold both: what stands in a `*_config_dict` is what was meant. */
  text_config_dict: part,
  vision_config_dict: part,
  projection_dim: size.default(512),
});

/** A side alone, or the two of a square. */
const squareSide = (most: number) =>
  z.union([
    size.max(most),
    z
      .tuple([size.max(most), size.max(most)])
      .refine(([height, width]) => height === width, "must be a square")
      .transform(([side]) => side),
  ]);

const visionJson = z.looseObject({
  hidden_size: size.default(768),
  intermediate_size: size.default(3072),
  num_hidden_layers: size.max(64).default(12),
  num_attention_heads: size.default(12),
  num_channels: z.literal(3).default(3),
  image_size: squareSide(2048).default(224),
  patch_size: squareSide(2048).default(32),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
});

/** CLIPTextConfig's own, for what a config leaves out. */
const textDefaults = {
  vocab_size: 49408,
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 77,
  eos_token_id: 49407,
};

/** @throws unsupported_model, for another network by its name */
export function parseClipConfig(json: unknown, file: string): ClipConfig {
  requireWhole(json, file);
  const raw = parseConfig(clipJson, json, file, useOwnConfig);
  const projection = raw.projection_dim;
  const textJson = { ...textDefaults, ...(raw.text_config_dict ?? raw.text_config), projection_dim: projection };
  const text = parseTextEncoderConfig(textJson, `${file}, "text_config"`, PROJECTING, useOwnConfig);
  const visionFile = `${file}, "vision_config"`;
  const vision = parseConfig(visionJson, raw.vision_config_dict ?? raw.vision_config ?? {}, visionFile, useOwnConfig);
  requireDivides(vision.hidden_size, vision.num_attention_heads, "num_attention_heads", visionFile);
  if (vision.patch_size > vision.image_size) {
    const sentence = `${visionFile}: patches of ${vision.patch_size} px do not fit into a picture of ${vision.image_size}`;
    throw new AppError("unsupported_model", `${sentence}; ${useOwnConfig}.`);
  }
  return {
    text,
    projection,
    vision: {
      width: vision.hidden_size,
      hidden: vision.intermediate_size,
      layers: vision.num_hidden_layers,
      heads: vision.num_attention_heads,
      activation: vision.hidden_act,
      epsilon: vision.layer_norm_eps,
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
    },
  };
}

const whatItIs = z.looseObject({ model_type: z.string().nullish(), architectures: z.array(z.string()).nullish() });

const halves: Readonly<Record<string, string>> = {
  clip_text_model: "CLIP's text encoder alone, without the vision tower that looks at pictures",
  clip_vision_model: "CLIP's vision tower alone, without the text encoder that reads prompts",
};

function requireWhole(json: unknown, file: string): void {
  const { model_type: type, architectures } = whatItIs.safeParse(json).data ?? {};
  if (type === "clip") return;
  const named = type ?? architectures?.[0];
  const what = (type && halves[type]) ?? (named ? `a "${named.slice(0, 60)}"` : "no model that we know");
  const sentence = `${file} describes ${what}`;
  throw new AppError(
    "unsupported_model",
    `${sentence}; give the folder of a whole CLIPModel, in the transformers layout.`,
  );
}

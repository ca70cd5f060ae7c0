import { type Tensors, within } from "./facts.ts";
import { recognise } from "./kind.ts";
import { families, levelSizes, unetFamily, unetShape } from "./unet-family.ts";

export interface Family {
  readonly name: string;
  /** Whether models with such a network run here. */
  readonly runs: boolean;
}

/** The family of one network; null for tensors that are no network we know. */
export function familyOf(tensors: Tensors): Family | null {
  switch (recognise(tensors).kind) {
    case "unet":
      return unetFamily(unetShape(tensors));
    case "controlnet": {
      const inner = within(tensors, "control_model.");
      return unetFamily(unetShape(inner.size > 0 ? inner : tensors));
    }
    case "diffusion transformer":
      return { name: transformerName(tensors), runs: false };
    case "text encoder":
      return { name: textEncoderName(tensors), runs: true };
    case "vae":
      return { name: vaeName(tensors), runs: true };
    default:
      return null;
  }
}

/** Textual inversion is told by the width of its vectors alone. */
export function embeddingFamily(tensors: Tensors): string {
  if (tensors.has("clip_g")) return "SDXL";
  const width = tensors.values().next().value?.shape.at(-1);
  return (
    families.find(({ name, textWidth }) => !name.startsWith("SDXL") && textWidth === width)?.name ??
    `vectors ${ofWidth(width)}`
  );
}

/** By the tensors that only one of the families has, in the names of its authors or of diffusers. */
function transformerName(tensors: Tensors): string {
  const has = (...names: readonly string[]): boolean => names.some((name) => tensors.has(name));
  if (has("double_blocks.0.img_attn.norm.key_norm.scale", "single_transformer_blocks.0.proj_mlp.weight")) {
    if (has("single_stream_modulation.lin.weight")) return "Flux.2";
    if (has("distilled_guidance_layer.in_proj.weight")) return "Chroma";
    const textWidth = (tensors.get("txt_in.weight") ?? tensors.get("context_embedder.weight"))?.shape[1];
    if (textWidth !== 4096) return `a transformer of Flux's blocks, its text ${ofWidth(textWidth)}`;
    return has("guidance_in.in_layer.weight", "time_text_embed.guidance_embedder.linear_1.weight")
      ? "Flux.1 dev"
      : "Flux.1 schnell";
  }
  if (has("joint_blocks.0.context_block.adaLN_modulation.1.bias", "pos_embed.pos_embed")) {
    if (has("joint_blocks.37.x_block.mlp.fc1.weight", "transformer_blocks.37.ff.net.0.proj.weight"))
      return "SD 3.5 large";
    const positions = (tensors.get("pos_embed") ?? tensors.get("pos_embed.pos_embed"))?.shape[1];
    return positions === 192 ** 2 ? "SD 3 medium" : positions === 384 ** 2 ? "SD 3.5 medium" : "SD 3";
  }
  return "a transformer that is not known";
}

function textEncoderName(tensors: Tensors): string {
  const t5 = tensors.get("encoder.block.0.layer.0.SelfAttention.q.weight");
  if (t5) return `T5 encoder ${ofWidth(t5.shape[1])}, depth ${depthOf(tensors, /^encoder\.block\.(\d+)\./)}`;
  const [words] = ["text_model.embeddings.", "embeddings.", ""].flatMap(
    (prefix) => tensors.get(`${prefix}token_embedding.weight`) ?? [],
  );
  const [vocabulary, width] = words!.shape;
  const name = vocabulary === 49408 && width !== undefined ? clips[width] : undefined;
  const depth = depthOf(tensors, /^(?:text_model\.)?encoder\.layers\.(\d+)\.|^transformer\.resblocks\.(\d+)\./);
  return `${name ?? "CLIP text encoder"} ${ofWidth(width)}, depth ${depth}`;
}

function vaeName(tensors: Tensors): string {
  const diffusers = levelSizes(tensors, (level) => `encoder.down_blocks.${level}.resnets.0.conv1.weight`);
  const channels =
    diffusers.length > 0 ? diffusers : levelSizes(tensors, (level) => `encoder.down.${level}.block.0.conv1.weight`);
  const widths = channels.length > 0 ? channels.join("/") : "without encoder";
  return `AutoencoderKL ${widths}, ${tensors.get("decoder.conv_in.weight")!.shape[1]} latent channels`;
}

/** CLIP's text encoders by their width, with CLIP's own vocabulary. */
const clips: Readonly<Record<number, string>> = {
  768: "CLIP ViT-L/14",
  1024: "OpenCLIP ViT-H/14",
  1280: "OpenCLIP ViT-bigG/14",
};

const ofWidth = (width: number | undefined): string => (width === undefined ? "of no width" : `of width ${width}`);

/** How many layers the names number. */
const depthOf = (tensors: Tensors, pattern: RegExp): number =>
  new Set(tensors.keys().flatMap((name) => pattern.exec(name)?.slice(1).filter(Boolean) ?? [])).size;

import { type Tensors, within } from "./facts.ts";
import { recognise } from "./kind.ts";

/** What the shapes of a UNet tell; undefined where a file, such as a low-rank one, cannot tell. */
export interface UNetShape {
  /** Channels of each level, finest first. */
  readonly channels: readonly number[] | undefined;
  /** Widths of the text states that cross-attention reads. */
  readonly textWidths: readonly number[];
  readonly inChannels: number | undefined;
  /** Width of the added conditions, the mark of SDXL; null where there are none. */
  readonly addedWidth: number | null | undefined;
  /** Whether the guidance is an input of the network, as in latent consistency models. */
  readonly takesGuidance: boolean;
}

export interface Family {
  readonly name: string;
  /** Whether networks of this family run here. */
  readonly runs: boolean;
}

/** The shape of a UNet in diffusers' names or in those of LDM. */
export function unetShape(tensors: Tensors): UNetShape {
  const dim = (name: string, axis: number): number | undefined => tensors.get(name)?.shape[axis];
  return {
    channels: tensors.has("down_blocks.0.resnets.0.conv1.weight") ? diffusersChannels(tensors) : ldmChannels(tensors),
    textWidths: distinct([...tensors].flatMap(([name, { shape }]) => (name.endsWith(".attn2.to_k.weight") && shape.length === 2 ? [shape[1]!] : []))),
    inChannels: dim("conv_in.weight", 1) ?? dim("input_blocks.0.0.weight", 1),
    addedWidth: dim("add_embedding.linear_1.weight", 1) ?? dim("label_emb.0.0.weight", 1) ?? null,
    takesGuidance: tensors.has("time_embedding.cond_proj.weight"),
  };
}

/** "SD 1.x", "SD 2.x inpainting" and so on where all that is known agrees; any other UNet is described by its numbers. */
export function unetFamily({ channels, textWidths, inChannels, addedWidth, takesGuidance }: UNetShape): Family {
  const known = families.find(
    (family) =>
      textWidths.join() === String(family.textWidth) &&
      (channels === undefined || channels.join() === family.channels.join()) &&
      (addedWidth === undefined || addedWidth === family.addedWidth),
  );
  const numbers = [
    channels?.length ? `UNet2DConditionModel ${channels.join("/")}` : "UNet2DConditionModel",
    textWidths.length === 0 ? "no cross-attention seen" : `text width ${textWidths.join(" and ")}`,
    ...(addedWidth ? [`added conditions of width ${addedWidth}`] : []),
  ].join(", ");
  const task = inChannels === undefined || inChannels === 4 ? "" : ` ${tasks[inChannels] ?? `of ${inChannels} input channels`}`;
  return {
    name: `${known?.name ?? numbers}${task}${takesGuidance ? ", guidance-distilled" : ""}`,
    runs: textWidths.length === 1 && !addedWidth && !known?.name.startsWith("SDXL") && task === "" && !takesGuidance,
  };
}

/** The family of one network, and whether it is one that runs here; null for tensors that are no network we know. */
export function familyOf(tensors: Tensors): Family | null {
  const named = (name: string, runs: boolean): Family => ({ name, runs });
  switch (recognise(tensors).kind) {
    case "unet":
      return unetFamily(unetShape(tensors));
    case "controlnet": {
      const own = within(tensors, "control_model.");
      return unetFamily(unetShape(own.size > 0 ? own : tensors));
    }
    case "diffusion transformer":
      return named(transformerFamily(tensors), false);
    case "text encoder":
      return named(textEncoderFamily(tensors), true);
    case "vae":
      return named(vaeFamily(tensors), true);
    default:
      return null;
  }
}

/** The family of a diffusion transformer, by the tensors that only one of them has. */
function transformerFamily(tensors: Tensors): string {
  const has = (name: string): boolean => tensors.has(name);
  const width = (name: string): number | undefined => tensors.get(name)?.shape.at(-1);
  if (has("double_blocks.0.img_attn.norm.key_norm.scale") || has("single_transformer_blocks.0.proj_mlp.weight")) {
    if (has("single_stream_modulation.lin.weight")) return "Flux.2";
    if (has("distilled_guidance_layer.in_proj.weight")) return "Chroma";
    const textWidth = width("txt_in.weight") ?? width("context_embedder.weight");
    if (textWidth !== 4096) return `transformer of Flux's blocks, text width ${textWidth}`;
    return has("guidance_in.in_layer.weight") || has("time_text_embed.guidance_embedder.linear_1.weight") ? "Flux.1 dev" : "Flux.1 schnell";
  }
  if (has("joint_blocks.0.context_block.adaLN_modulation.1.bias") || has("pos_embed.pos_embed")) {
    if (has("joint_blocks.37.x_block.mlp.fc1.weight") || has("transformer_blocks.37.ff.net.0.proj.weight")) return "SD 3.5 large";
    const positions = tensors.get("pos_embed")?.shape[1] ?? tensors.get("pos_embed.pos_embed")?.shape[1];
    return positions === 192 ** 2 ? "SD 3 medium" : positions === 384 ** 2 ? "SD 3.5 medium" : "SD 3";
  }
  return "not a transformer we know";
}

/** The name of a text encoder by its width and depth. */
function textEncoderFamily(tensors: Tensors): string {
  const t5 = tensors.get("encoder.block.0.layer.0.SelfAttention.q.weight");
  if (t5) return `T5 encoder of width ${t5.shape[1]}, depth ${depthOf(tensors, /^encoder\.block\.(\d+)\./)}`;
  const words = tensors.get("text_model.embeddings.token_embedding.weight") ?? tensors.get("embeddings.token_embedding.weight") ?? tensors.get("token_embedding.weight");
  const [vocabulary, width] = words?.shape ?? [];
  const depth = depthOf(tensors, /^(?:text_model\.)?encoder\.layers\.(\d+)\.|^transformer\.resblocks\.(\d+)\./);
  const name = vocabulary === 49408 ? clips[`${width}`] : undefined;
  return `${name ?? "CLIP text encoder"} of width ${width}, depth ${depth}`;
}

function vaeFamily(tensors: Tensors): string {
  const diffusers = levelSizes(tensors, (level) => `encoder.down_blocks.${level}.resnets.0.conv1.weight`);
  const channels = diffusers.length > 0 ? diffusers : levelSizes(tensors, (level) => `encoder.down.${level}.block.0.conv1.weight`);
  const widths = channels.length > 0 ? ` ${channels.join("/")}` : " without its encoder";
  return `AutoencoderKL${widths}, ${tensors.get("decoder.conv_in.weight")!.shape[1]} latent channels`;
}

/** Textual inversion is told by the width of its vectors alone. */
export function embeddingFamily(tensors: Tensors): string {
  if (tensors.has("clip_g")) return "SDXL";
  const [vectors] = tensors.values();
  const width = vectors!.shape.at(-1) ?? 0;
  return families.find(({ textWidth, name }) => textWidth === width && name.startsWith("SD "))?.name ?? `text width ${width}`;
}

const families: readonly { name: string; channels: readonly number[]; textWidth: number; addedWidth: number | null }[] = [
  { name: "SD 1.x", channels: [320, 640, 1280, 1280], textWidth: 768, addedWidth: null },
  { name: "SD 2.x", channels: [320, 640, 1280, 1280], textWidth: 1024, addedWidth: null },
  { name: "SDXL", channels: [320, 640, 1280], textWidth: 2048, addedWidth: 2816 },
  { name: "SDXL refiner", channels: [384, 768, 1536, 1536], textWidth: 1280, addedWidth: 2560 },
];

/** What a base of 4 latent channels was given more for: mask and masked picture, a picture to edit, depth. */
const tasks: Readonly<Record<number, string>> = { 9: "inpainting", 8: "instruct-pix2pix", 5: "depth" };

const clips: Readonly<Record<string, string>> = { "768": "CLIP ViT-L/14", "1024": "OpenCLIP ViT-H/14", "1280": "OpenCLIP ViT-bigG/14" };

const diffusersChannels = (tensors: Tensors): number[] => levelSizes(tensors, (level) => `down_blocks.${level}.resnets.0.conv1.weight`);

/** LDM numbers its blocks through all levels; one that only halves the size ends a level. */
function ldmChannels(tensors: Tensors): number[] {
  const channels: number[] = [];
  let level = 0;
  for (let i = 1; ; i++) {
    const resnet = tensors.get(`input_blocks.${i}.0.in_layers.2.weight`);
    if (resnet) channels[level] = resnet.shape[0]!;
    else if (tensors.has(`input_blocks.${i}.0.op.weight`)) level++;
    else return channels;
  }
}

/** The first dimension of a tensor of each level, as long as there is one. */
function levelSizes(tensors: Tensors, name: (level: number) => string): number[] {
  const sizes: number[] = [];
  for (let entry = tensors.get(name(0)); entry; entry = tensors.get(name(sizes.length))) sizes.push(entry.shape[0]!);
  return sizes;
}

const depthOf = (tensors: Tensors, pattern: RegExp): number => new Set(tensors.keys().flatMap((name) => pattern.exec(name)?.slice(1).filter(Boolean) ?? [])).size;

const distinct = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);

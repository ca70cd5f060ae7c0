import { runningFamilies } from "./all.ts";
import { fitsMarks, type Marks, type Shapes } from "./family.ts";

export interface FoundAutoencoder {
  /** “AutoencoderKL 128/256/512/512, 4 latent channels” */
  readonly name: string;
  readonly names: "LDM" | "diffusers" | "original";
  /**
   * Names of the families whose latents it may read: several share one structure, and only training tells them apart.
   */
  readonly families: readonly string[];
}

/** An autoencoder by the names and shapes of its tensors; null for tensors that are none we know. */
export function recogniseAutoencoder(tensors: Shapes): FoundAutoencoder | null {
  const other = others.find(({ marks }) => marks.some((list) => fitsMarks(tensors, list)));
  if (other) return { name: other.name, names: other.names, families: [] };
  const latents = tensors.get("decoder.conv_in.weight")?.shape;
  if (latents?.length !== 4) return null;
  const ofDiffusers = tensors.has("decoder.mid_block.resnets.0.conv1.weight");
  if (!ofDiffusers && !tensors.has("decoder.mid.block_1.conv1.weight")) return null;
  const channels = levelChannels(tensors, ofDiffusers);
  const widths = channels.length > 0 ? channels.join("/") : "without encoder";
  const names = ofDiffusers ? "diffusers" : "LDM";
  const [latentChannels] = latents.slice(1);
  const book = tensors.get("quantize.embedding.weight") ?? tensors.get("quantize.embed.weight");
  if (book) {
    const name = `VQ autoencoder ${widths}, ${latentChannels} latent channels, ${book.shape[0]} words`;
    return { name, names, families: [] };
  }
  const name = `AutoencoderKL ${widths}, ${latentChannels} latent channels`;
  if (latentChannels === 16) return { name, names, families: ["SD 3", "Flux.1"] };
  const isCommon = latentChannels === 4 && (channels.length === 0 || channels.join() === "128,256,512,512");
  return { name, names, families: isCommon ? runningFamilies.map((family) => family.name) : [] };
}

function levelChannels(tensors: Shapes, ofDiffusers: boolean): number[] {
  const channels: number[] = [];
  for (;;) {
    const level = channels.length;
    const block = ofDiffusers ? `down_blocks.${level}.resnets.0` : `down.${level}.block.0`;
    const size = tensors.get(`encoder.${block}.conv1.weight`)?.shape[0];
    if (size === undefined) return channels;
    channels.push(size);
  }
}

interface Other {
  readonly name: string;
  readonly names: FoundAutoencoder["names"];
  readonly marks: readonly Marks[];
}

const tiny = (latentChannels: number): string => `tiny autoencoder (TAESD), ${latentChannels} latent channels`;

/** Named; nothing here decodes with them. */
const others: readonly Other[] = [
  {
    name: tiny(4),
    names: "diffusers",
    marks: [[["decoder.layers.0.weight", [null, 4, null, null]], "decoder.layers.2.conv.0.weight"]],
  },
  {
    name: tiny(16),
    names: "diffusers",
    marks: [[["decoder.layers.0.weight", [null, 16, null, null]], "decoder.layers.2.conv.0.weight"]],
  },
  {
    name: `decoder of a ${tiny(4)}`,
    names: "original",
    marks: [
      [["1.weight", [64, 4, 3, 3]], "3.conv.0.weight"],
      [["taesd_decoder.1.weight", [64, 4, 3, 3]], "taesd_decoder.3.conv.0.weight"],
    ],
  },
  {
    name: `decoder of a ${tiny(16)}`,
    names: "original",
    marks: [[["1.weight", [64, 16, 3, 3]], "3.conv.0.weight"]],
  },
  {
    name: "encoder of a tiny autoencoder (TAESD)",
    names: "original",
    marks: [[["0.weight", [64, 3, 3, 3]], "1.conv.0.weight"]],
  },
  { name: "Wan's video autoencoder", names: "original", marks: [["decoder.middle.0.residual.0.gamma"]] },
  {
    name: "a deep-compression autoencoder (DC-AE)",
    names: "original",
    marks: [["decoder.stages.1.op_list.0.main.conv.conv.bias"], ["encoder.project_in.conv.bias"]],
  },
  {
    name: "a video autoencoder",
    names: "diffusers",
    marks: [["decoder.conv_in.conv.weight"], [["decoder.conv_in.weight", [null, null, null, null, null]]]],
  },
  {
    name: "Stable Video Diffusion's autoencoder",
    names: "diffusers",
    marks: [["decoder.mid_block.resnets.0.spatial_res_block.conv1.weight"], ["decoder.time_conv_out.weight"]],
  },
  {
    name: "Stable Video Diffusion's autoencoder",
    names: "LDM",
    marks: [["decoder.mid.block_1.time_stack.in_layers.0.weight"]],
  },
];

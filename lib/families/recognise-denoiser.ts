import { type FamilyNetwork, fitsMarks, type Shapes } from "./family.ts";
import { type FoundFamily, foundNotToRun } from "./found-family.ts";
import { otherFamilies } from "./other-families.ts";
import { quantisationOf } from "./quantisation.ts";
import { recogniseUNet } from "./recognise-unet.ts";
import { unetShape } from "./unet-shape.ts";

export interface FoundDenoiser {
  readonly network: FamilyNetwork;
  readonly names: "LDM" | "diffusers" | "original";
  readonly family: FoundFamily;
}

/** What denoises, told by the names and shapes of its tensors alone; null for tensors that are no denoiser we know. */
export function recogniseDenoiser(tensors: Shapes): FoundDenoiser | null {
  const other = otherFamilies.find(({ marks }) => marks.some((list) => fitsMarks(tensors, list)));
  if (other) {
    const name = other.members.find(({ marks }) => fitsMarks(tensors, marks))?.name ?? other.name;
    const family = foundNotToRun(name, other.id, other.whyNot);
    return { network: other.denoiser, names: namesOf(tensors), family: quantised(tensors, family) };
  }
  if (!isUNet(tensors)) return null;
  const family = quantised(tensors, recogniseUNet(unetShape(tensors)));
  return { network: "unet", names: namesOf(tensors), family };
}

/** A quantised model is of the family that it would be without, and does not run: nothing here unpacks it. */
function quantised(tensors: Shapes, family: FoundFamily): FoundFamily {
  const packing = quantisationOf(tensors);
  if (packing === null) return family;
  const whyNot = family.whyNot ?? "its weights are packed, and plain ones (F32, F16, BF16 or F8) are what is read here";
  return foundNotToRun(`${family.name}, quantised (${packing.name})`, family.id, whyNot);
}

const isUNet = (tensors: Shapes): boolean =>
  unetMarks.some((marks) => fitsMarks(tensors, marks)) && !tensors.has("quantize.embedding.weight");

const unetMarks = [
  ["conv_in.weight", "time_embedding.linear_1.weight", "down_blocks.0.resnets.0.conv1.weight", "conv_out.weight"],
  ["input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight"],
] as const;

function namesOf(tensors: Shapes): FoundDenoiser["names"] {
  if (tensors.has("input_blocks.0.0.weight")) return "LDM";
  const isOfDiffusers = diffusersMarks.some((name) => tensors.has(name));
  return isOfDiffusers ? "diffusers" : "original";
}

/** One of them is in every network that diffusers writes, and in none that its authors did, where the two differ. */
const diffusersMarks: readonly string[] = [
  "down_blocks.0.resnets.0.conv1.weight",
  "down_blocks.0.resnets.0.spatial_res_block.conv1.weight",
  "transformer_blocks.0.attn.add_k_proj.weight",
  "joint_transformer_blocks.0.attn.add_k_proj.weight",
  "transformer_blocks.0.attn1.to_q.weight",
  "context_embedder.weight",
  "blocks.0.attn2.norm_k.weight",
];

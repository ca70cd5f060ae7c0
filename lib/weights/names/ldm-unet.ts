import type { Naming } from "#lib/weights/tensor-view.ts";

/** What decides the numbers of LDM's blocks: the fields of a UNet's config by these names. */
export interface LdmUNetBlocks {
  /** One entry a level, finest first. */
  readonly channels: readonly number[];
  readonly layersPerBlock: readonly number[];
  /** In the order of the blocks: down from the finest level, up from the coarsest. */
  readonly downAttends: readonly boolean[];
  readonly upAttends: readonly boolean[];
}

/**
 * The UNet of a single-file checkpoint (`model.diffusion_model.`, stripped by the caller) in the names of LDM and what
 * followed it (`UNetModel` in `ldm/modules/diffusionmodules/openaimodel.py`). LDM numbers the steps of the way down and
 * up through all levels:
 *
 *   input_blocks.0.0    the first convolution
 *   input_blocks.n      .0 a resnet, .1 its transformer where the level attends; or .0.op to the next level
 *   middle_block        .0 a resnet, .1 a transformer, .2 a resnet
 *   output_blocks.n     .0 a resnet, .1 its transformer, and behind them .conv to the next level
 */
export function ldmUNetNaming(blocks: LdmUNetBlocks): Naming {
  return ({ name }) => {
    const leaf = name.lastIndexOf(".");
    const ours = moduleName(blocks, name.slice(0, Math.max(leaf, 0)));
    return [{ name: ours === null ? name : ours + name.slice(leaf) }];
  };
}

const fixed = new Map([
  ["time_embed.0", "time_embedding.linear_1"],
  ["time_embed.2", "time_embedding.linear_2"],
  ["label_emb.0.0", "add_embedding.linear_1"], // SDXL's added conditions; networks where it stands for classes do not run
  ["label_emb.0.2", "add_embedding.linear_2"],
  ["input_blocks.0.0", "conv_in"],
  ["out.0", "conv_norm_out"],
  ["out.2", "conv_out"],
]);

/** Our path of a module, or null where LDM has none of that name for such blocks. */
function moduleName(blocks: LdmUNetBlocks, path: string): string | null {
  const known = fixed.get(path);
  if (known) return known;
  const [part, step = "", ...rest] = path.split(".");
  if (part === "middle_block") return middleName(step, rest.join("."));
  const [slot = "", ...inside] = rest;
  if (!/^\d{1,6}$/.test(step)) return null;
  if (part === "input_blocks") return downName(blocks, Number(step) - 1, slot, inside.join("."));
  return part === "output_blocks" ? upName(blocks, Number(step), slot, inside.join(".")) : null;
}

function middleName(slot: string, inside: string): string | null {
  if (slot === "0") return resnetName("mid_block.resnets.0", inside);
  if (slot === "1") return `mid_block.attentions.0.${inside}`;
  return slot === "2" ? resnetName("mid_block.resnets.1", inside) : null;
}

function downName(
  { channels, layersPerBlock, downAttends }: LdmUNetBlocks,
  step: number,
  slot: string,
  inside: string,
): string | null {
  for (let level = 0; level < channels.length; level++) {
    const layers = layersPerBlock[level]!;
    const block = `down_blocks.${level}`;
    if (step >= 0 && step < layers) {
      if (slot === "0") return resnetName(`${block}.resnets.${step}`, inside);
      return slot === "1" && downAttends[level] ? `${block}.attentions.${step}.${inside}` : null;
    }
    step -= layers;
    const isLast = level === channels.length - 1;
    if (step === 0 && !isLast) return slot === "0" && inside === "op" ? `${block}.downsamplers.0.conv` : null;
    step -= 1;
  }
  return null;
}

function upName(
  { channels, layersPerBlock, upAttends }: LdmUNetBlocks,
  step: number,
  slot: string,
  inside: string,
): string | null {
  for (let i = 0; i < channels.length; i++) {
    const layers = layersPerBlock[channels.length - 1 - i]! + 1;
    const block = `up_blocks.${i}`;
    if (step < layers) {
      if (slot === "0") return resnetName(`${block}.resnets.${step}`, inside);
      if (slot === "1" && upAttends[i]) return `${block}.attentions.${step}.${inside}`;
      const upsampler = step === layers - 1 && i < channels.length - 1 && slot === (upAttends[i] ? "2" : "1");
      return upsampler && inside === "conv" ? `${block}.upsamplers.0.conv` : null;
    }
    step -= layers;
  }
  return null;
}

const resnetLayers = new Map([
  ["in_layers.0", "norm1"],
  ["in_layers.2", "conv1"],
  ["emb_layers.1", "time_emb_proj"],
  ["out_layers.0", "norm2"],
  ["out_layers.3", "conv2"],
  ["skip_connection", "conv_shortcut"],
]);

function resnetName(resnet: string, inside: string): string | null {
  const layer = resnetLayers.get(inside);
  return layer ? `${resnet}.${layer}` : null;
}

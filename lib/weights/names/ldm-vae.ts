import type { Naming } from "#lib/weights/tensor-view.ts";
import { autoencoderView } from "./vae.ts";

/**
 * The autoencoder of a single-file checkpoint (`first_stage_model.`, stripped by the caller) in the names of LDM
 * (`ldm/modules/diffusionmodules/model.py`). Its decoder counts levels from the finest, diffusers' from the coarsest.
 * What training left beside it (`loss.`, `model_ema.`) is not needed; diffusers passes over it too.
 */
export function ldmVaeNaming({ channels }: { readonly channels: readonly number[] }): Naming {
  const name = (foreign: string): string => {
    const [side, kind, index, ...rest] = foreign.split(".");
    if (side !== "encoder" && side !== "decoder") return foreign;
    if (kind === "norm_out") return foreign.replace("norm_out", "conv_norm_out");
    const middle = kind === "mid" && middleName(index, rest);
    if (middle) return `${side}.mid_block.${middle}`;
    const level = side === "encoder" ? Number(index) : channels.length - 1 - Number(index);
    const isLevel = kind === (side === "encoder" ? "down" : "up") && /^\d$/.test(index ?? "") && level >= 0;
    const inside = isLevel && levelName(rest);
    return inside ? `${side}.${kind}_blocks.${level}.${inside}` : foreign;
  };
  return ({ name: foreign, shape }) =>
    foreign.startsWith("loss.") || foreign.startsWith("model_ema.") ? [] : [autoencoderView(name(foreign), shape)];
}

function middleName(part: string | undefined, [layer, ...leaf]: readonly string[]): string | null {
  if (part === "attn_1") {
    const ours = layer && attention.get(layer);
    return ours ? ["attentions.0", ours, ...leaf].join(".") : null;
  }
  const resnet = part === "block_1" ? 0 : part === "block_2" ? 1 : null;
  return resnet === null || !layer ? null : ["resnets", resnet, resnetLayer(layer), ...leaf].join(".");
}

const attention = new Map([
  ["norm", "group_norm"],
  ["q", "to_q"],
  ["k", "to_k"],
  ["v", "to_v"],
  ["proj_out", "to_out.0"],
]);

function levelName([part, second, third, ...leaf]: readonly string[]): string | null {
  if (part === "block" && third) return ["resnets", second, resnetLayer(third), ...leaf].join(".");
  const sampler = part === "downsample" ? "downsamplers" : part === "upsample" ? "upsamplers" : null;
  return sampler && second === "conv" ? [sampler, "0", second, third].join(".") : null;
}

const resnetLayer = (layer: string): string => (layer === "nin_shortcut" ? "conv_shortcut" : layer);

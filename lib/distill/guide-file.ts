import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { parameterLayout } from "./step/parameter-layout.ts";

/** A guide as docs/guide-file.md has it. */
export function writeGuide(config: GuideConfig, weights: Float32Array): Uint8Array {
  const { parameters } = parameterLayout(config);
  const tensors = parameters.map(({ name, shape, offset }) => {
    const values = weights.subarray(offset, offset + sizeOf(shape));
    return [name, tensor(values, shape)] as const;
  });
  return writeSafetensors(new Map(tensors), metadataOf(config));
}

function metadataOf({ base, ...guide }: GuideConfig): Map<string, string> {
  const [layers] = base.layersPerBlock;
  const isEven = base.layersPerBlock.every((count) => count === layers);
  return new Map([
    ["format", "guide/1"],
    ["variant", guide.variant],
    ["widths", JSON.stringify(guide.widths)],
    ["base.sha256", base.sha256],
    ["in_channels", String(base.inChannels)],
    ["block_out_channels", JSON.stringify(base.channels)],
    ["layers_per_block", JSON.stringify(isEven ? layers : base.layersPerBlock)],
    [
      "down_block_types",
      JSON.stringify(base.downAttends.map((attends) => (attends ? "CrossAttnDownBlock2D" : "DownBlock2D"))),
    ],
    ["cross_attention_dim", String(base.crossAttentionDim)],
    ["prediction_type", base.predictionType],
    ["w_min", String(guide.minGuidance)],
    ["w_max", String(guide.maxGuidance)],
    ["w_ref", String(guide.referenceGuidance)],
    ["gate", "linear"],
    ["w_encoding", "sin"],
    ["stage", "cfg"],
    ...Object.entries(guide.trainedOn),
  ]);
}

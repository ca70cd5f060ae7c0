import type { UNetSignature } from "./signature.ts";

/**
 * A signature as one word, like “unet-in4-c320.640.1280.1280-l2.2.2.2-a1110-t768-eps”: equal for two signatures exactly where
 * `structureMismatches` finds nothing, so that what may pair can be looked up.
 */
export function contractOf({
  inChannels,
  channels,
  layersPerBlock,
  downAttends,
  crossAttentionDim,
  predictionType,
}: UNetSignature): string {
  const attends = downAttends.map(Number).join("");
  const predicts = { epsilon: "eps", v_prediction: "v", sample: "x0" }[predictionType];
  return `unet-in${inChannels}-c${channels.join(".")}-l${layersPerBlock.join(".")}-a${attends}-t${crossAttentionDim}-${predicts}`;
}

import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import type { TextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import type { UNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { adaptedParameters } from "#lib/nn/parameters/adapted.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import type { LowRankFile, LowRankLayers } from "#lib/weights/low-rank.ts";

/** Whether the layers of a low-rank file can be added to a base of such configs. No weight is needed. @throws weights_mismatch, naming the first layer that cannot */
export function requireLowRankFits(
  file: LowRankFile,
  base: { readonly unet: UNetConfig; readonly textEncoder: TextEncoderConfig },
): void {
  const anyWeights = (layers: LowRankLayers) => adaptedParameters(new RecordingParameters().of, [layers]);
  joinedGraph(base.unet, smallestSize(base.unet), anyWeights(file.unet));
  textEncoderGraph(base.textEncoder, anyWeights(file.textEncoder), lastStates);
  for (const layers of [file.unet, file.textEncoder]) layers.requireAllTaken();
}

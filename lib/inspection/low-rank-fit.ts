import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import type { TextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import type { UNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { adaptedParameters } from "#lib/nn/parameters/adapted.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import { textEncoderNetworks } from "#lib/weights/adapters/names.ts";
import { type AdapterFile, requireNetworks } from "#lib/weights/adapters/read-adapter.ts";

/** The configs of a base's networks that adapters can change. */
export interface AdaptableBase {
  readonly unet: UNetConfig;
  /** In the order in which their states are joined. */
  readonly textEncoders: readonly TextEncoderConfig[];
}

/**
 * Whether the layers of an adapter file can be added to a base of such configs. No weight is needed.
 *
 * @throws weights_mismatch, naming the first layer that cannot
 */
export function requireLowRankFits(file: AdapterFile, base: AdaptableBase): void {
  const encoders = textEncoderNetworks.slice(0, base.textEncoders.length);
  requireNetworks(file, ["unet", ...encoders]);
  const anyWeights = (layers: AdapterLayers) => adaptedParameters(new RecordingParameters().of, [layers]);
  joinedGraph(base.unet, smallestSize(base.unet), anyWeights(file.unet.forLevels(base.unet.layersPerBlock)));
  encoders.forEach((network, i) => textEncoderGraph(base.textEncoders[i]!, anyWeights(file[network]), lastStates));
  for (const network of ["unet", ...encoders] as const) file[network].requireAllTaken();
}

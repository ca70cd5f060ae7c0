import type { TextEncoderConfig, UNetConfig } from "#lib/diffusion/config.ts";
import { Scope } from "#lib/nn/scope.ts";
import { type ExternalTensor, Graph } from "#lib/onnx/graph.ts";
import { type AdapterFile, requireNetworks } from "#lib/weights/adapters/read-adapter.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { wholeTextEncoder, wholeUNet } from "./whole.ts";

/**
 * Whether the layers of a low-rank file can be added to a base of such configs. No weight is needed.
 *
 * @throws weights_mismatch, naming the first layer that cannot
 */
export function requireLowRankFits(
  file: AdapterFile,
  base: { readonly unet: UNetConfig; readonly textEncoder: TextEncoderConfig },
): void {
  requireNetworks(file, ["unet", "textEncoder"]);
  const layersOfUNet = file.unet.forLevels(base.unet.layersPerBlock);
  const [unet, textEncoder] = [new Graph("unet"), new Graph("text encoder")];
  wholeUNet(new Scope(unet, new AnyWeights(), [layersOfUNet]), unet, base.unet);
  wholeTextEncoder(new Scope(textEncoder, new AnyWeights(), [file.textEncoder]), textEncoder, base.textEncoder);
  for (const layers of [file.unet, file.textEncoder]) layers.requireAllTaken();
}

/** Has every tensor that is asked for, in the shape that is asked for. */
class AnyWeights extends WeightMap {
  #place = 0;

  constructor() {
    super("base", []);
  }

  override take(name: string, shape: readonly number[]): ExternalTensor {
    const place = this.#place++; // tensors at one place would be taken for one
    return { path: "", name, dtype: "F32", shape, begin: place, end: place };
  }
}

import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { pixelsPerLatent, type VaeConfig } from "./vae-config.ts";
import { vaeDecoder, vaeEncoder } from "./vae.ts";

/** `height` and `width` are those of the latents, in all graphs of a VAE. */
export function vaeEncoderGraph(config: VaeConfig, height: number, width: number, parameters: ParametersOf): Graph {
  const graph = new Graph("vae encoder");
  const scale = pixelsPerLatent(config);
  const picture = graph.input("picture", ["batch", config.imageChannels, scale * height, scale * width]);
  graph.output("moments", vaeEncoder(Scope.in(graph, parameters), config, picture));
  return graph;
}

export function vaeDecoderGraph(config: VaeConfig, height: number, width: number, parameters: ParametersOf): Graph {
  const graph = new Graph("vae decoder");
  const latents = graph.input("latents", ["batch", config.latentChannels, height, width]);
  graph.output("picture", vaeDecoder(Scope.in(graph, parameters), config, latents));
  return graph;
}

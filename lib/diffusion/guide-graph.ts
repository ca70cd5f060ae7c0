import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph } from "#lib/onnx/graph.ts";
import type { GuideConfig } from "./guide-config.ts";
import { guideNetwork } from "./guide.ts";
import type { UNetSize } from "./unet-graphs.ts";

export function guideGraph(config: GuideConfig, size: UNetSize, parameters: ParametersOf): Graph {
  const graph = new Graph("guide");
  const { base } = config;
  const residuals = guideNetwork(
    Scope.in(graph, parameters),
    config,
    graph.input("latents", ["batch", base.inChannels, size.height, size.width]),
    graph.input("timestep", ["batch"]),
    graph.input("text", ["batch", size.tokens, base.crossAttentionDim]),
    graph.input("guidanceScale", ["batch"]),
  );
  residuals.skips.forEach((residual, k) => graph.output(`residual.${k}`, residual));
  graph.output("residual.mid", residuals.mid);
  return graph;
}

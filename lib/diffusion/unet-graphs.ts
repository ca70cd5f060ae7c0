import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { conditioningInputs } from "./conditioning.ts";
import type { UNetConfig } from "./unet-config.ts";
import { type Encoded, type Residuals, residualShapes, unetDecoder, unetEncoder } from "./unet.ts";

/** Text tokens, and height and width of the latents. */
export interface UNetSize {
  readonly tokens: number;
  readonly height: number;
  readonly width: number;
}

/** Without inputs for residuals, or with them. */
export type UNetForm = "plain" | "guided";

/** The smallest size at which every node is there: latents that halve evenly at every level, and one token. */
export const smallestSize = ({ channels }: { readonly channels: readonly number[] }): UNetSize => ({
  tokens: 1,
  height: 2 ** channels.length,
  width: 2 ** channels.length,
});

/** The whole UNet; the form `guided` has inputs for residuals. */
export function joinedGraph(
  config: UNetConfig,
  size: UNetSize,
  parameters: ParametersOf,
  form: UNetForm = "plain",
): Graph {
  const { graph, scope, latents, conditioning } = start("unet", config, size, parameters);
  const encoded = unetEncoder(scope, config, latents(), graph.input("timestep", ["batch"]), conditioning);
  const residuals = form === "guided" ? residualInputs(graph, config, size) : null;
  graph.output("prediction", unetDecoder(scope, config, encoded, residuals, conditioning));
  return graph;
}

export function encoderGraph(config: UNetConfig, size: UNetSize, parameters: ParametersOf): Graph {
  const { graph, scope, latents, conditioning } = start("unet encoder", config, size, parameters);
  const encoded = unetEncoder(scope, config, latents(), graph.input("timestep", ["batch"]), conditioning);
  encoded.skips.forEach((skip, k) => graph.output(`skip.${k}`, skip));
  graph.output("mid", encoded.mid);
  graph.output("timeEmbedding", encoded.timeEmbedding);
  return graph;
}

export function decoderGraph(config: UNetConfig, size: UNetSize, parameters: ParametersOf): Graph {
  const { graph, scope, conditioning } = start("unet decoder", config, size, parameters);
  const shapes = residualShapes(config, size.height, size.width);
  const encoded: Encoded = {
    skips: shapes.skips.map((shape, k) => graph.input(`skip.${k}`, ["batch", ...shape])),
    mid: graph.input("mid", ["batch", ...shapes.mid]),
    timeEmbedding: graph.input("timeEmbedding", ["batch", config.timeEmbeddingWidth]),
  };
  const residuals = residualInputs(graph, config, size);
  graph.output("prediction", unetDecoder(scope, config, encoded, residuals, conditioning));
  return graph;
}

function start(name: string, config: UNetConfig, { tokens, height, width }: UNetSize, parameters: ParametersOf) {
  const graph = new Graph(name);
  return {
    graph,
    scope: Scope.in(graph, parameters),
    latents: (): Value => graph.input("latents", ["batch", config.inChannels, height, width]),
    conditioning: conditioningInputs(graph, config, tokens),
  };
}

function residualInputs(graph: Graph, config: UNetConfig, { height, width }: UNetSize): Residuals {
  const shapes = residualShapes(config, height, width);
  return {
    skips: shapes.skips.map((shape, k) => graph.input(`residual.${k}`, ["batch", ...shape])),
    mid: graph.input("residual.mid", ["batch", ...shapes.mid]),
  };
}

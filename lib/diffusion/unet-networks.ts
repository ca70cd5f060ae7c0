import { Graph, type Value } from "#lib/onnx/graph.ts";
import { openSession, type Optimization, optimizationFor, type Runtime, type Session } from "#lib/onnx/session.ts";
import { Scope } from "#lib/nn/scope.ts";
import { type FloatTensor, tensor, zeros } from "#lib/tensor/tensor.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import type { UNetConfig } from "./config.ts";
import type { Component } from "./model-folder.ts";
import { type Encoded, type Residuals, residualShapes, unetDecoder, unetEncoder } from "./unet.ts";

/** Residuals by the names graphs know them by: `residual.0` …, `residual.mid`, each [B, C, H, W]. */
export type ResidualTensors = Readonly<Record<string, FloatTensor>>;

/** Everything that decides the graph of a UNet. */
export interface UNetParts {
  readonly unet: Component<UNetConfig>;
  readonly lowRank: readonly AdapterLayers[];
  /** Text tokens, and height and width of the latents. */
  readonly tokens: number;
  readonly height: number;
  readonly width: number;
}

/** The base, ready to predict: latents [B, C, H, W], one timestep for all, text [B, T, D] → [B, C, H, W]. */
export interface UNet {
  readonly optimization: Optimization;
  predict(latents: FloatTensor, timestep: number, text: FloatTensor, residuals: ResidualTensors): Promise<FloatTensor>;
  /** Residuals that change nothing. */
  noResiduals(batch: number): ResidualTensors;
  close(): Promise<void>;
}

/** The base in two halves, so that several predictions can share one encoding. */
export interface SplitUNet extends UNet {
  encode(latents: FloatTensor, timestep: number, text: FloatTensor): Promise<EncodedTensors>;
  decode(encoded: EncodedTensors, text: FloatTensor, residuals: ResidualTensors): Promise<FloatTensor>;
}

export type EncodedTensors = Readonly<Record<string, FloatTensor>>;

/**
 * One graph, the form for sampling: 0.95 to 1.00 of the time of two on the starter over several runs, 0.98 [0.95, 1.01] on a UNet
 * of SD 1.5's size, where copying the skips hardly shows. `npm run bench -- form`
 */
export async function openUNet(parts: UNetParts, runtime: Runtime): Promise<UNet> {
  const graph = joinedGraph(parts);
  requireAllTaken(parts);
  const session: Session<"prediction"> = await openSession(graph, runtime, optimizationOf(parts));
  return {
    optimization: session.optimization,
    predict: async (latents, timestep, text, residuals) =>
      (await session.run({ latents, timestep: timesteps(latents, timestep), text, ...residuals })).prediction,
    noResiduals: zeroResiduals(parts),
    close: () => session.close(),
  };
}

/** Two graphs, for measurements: conditional and guide share the encoder's work. */
export async function openSplitUNet(parts: UNetParts, runtime: Runtime): Promise<SplitUNet> {
  const graphs = [encoderGraph(parts), decoderGraph(parts)] as const;
  requireAllTaken(parts);
  const encoder: Session = await openSession(graphs[0], runtime, optimizationOf(parts));
  const decoder: Session<"prediction"> = await openSession(graphs[1], runtime, optimizationOf(parts));
  const encode: SplitUNet["encode"] = (latents, timestep, text) =>
    encoder.run({ latents, timestep: timesteps(latents, timestep), text });
  const decode: SplitUNet["decode"] = async (encoded, text, residuals) =>
    (await decoder.run({ ...encoded, text, ...residuals })).prediction;
  return {
    optimization: decoder.optimization,
    encode,
    decode,
    predict: async (latents, timestep, text, residuals) =>
      decode(await encode(latents, timestep, text), text, residuals),
    noResiduals: zeroResiduals(parts),
    close: async () => {
      await encoder.close();
      await decoder.close();
    },
  };
}

export function joinedGraph(parts: UNetParts): Graph {
  const { graph, scope, config, inputs } = start(parts, "unet");
  const text = inputs.text();
  const encoded = unetEncoder(scope, config, inputs.latents(), graph.input("timestep", ["batch"]), text);
  graph.output("prediction", unetDecoder(scope, config, encoded, inputs.residuals(), text));
  return graph;
}

function encoderGraph(parts: UNetParts): Graph {
  const { graph, scope, config, inputs } = start(parts, "unet encoder");
  const encoded = unetEncoder(scope, config, inputs.latents(), graph.input("timestep", ["batch"]), inputs.text());
  encoded.skips.forEach((skip, k) => graph.output(`skip.${k}`, skip));
  graph.output("mid", encoded.mid);
  graph.output("timeEmbedding", encoded.timeEmbedding);
  return graph;
}

function decoderGraph(parts: UNetParts): Graph {
  const { graph, scope, config, inputs } = start(parts, "unet decoder");
  const shapes = residualShapes(config, parts.height, parts.width);
  const encoded: Encoded = {
    skips: shapes.skips.map((shape, k) => graph.input(`skip.${k}`, ["batch", ...shape])),
    mid: graph.input("mid", ["batch", ...shapes.mid]),
    timeEmbedding: graph.input("timeEmbedding", ["batch", 4 * config.channels[0]!]),
  };
  graph.output("prediction", unetDecoder(scope, config, encoded, inputs.residuals(), inputs.text()));
  return graph;
}

function start(parts: UNetParts, name: string) {
  const {
    unet: { config, weights },
    lowRank,
    tokens,
    height,
    width,
  } = parts;
  const graph = new Graph(name);
  const inputs = {
    latents: (): Value => graph.input("latents", ["batch", config.inChannels, height, width]),
    text: (): Value => graph.input("text", ["batch", tokens, config.crossAttentionDim]),
    residuals: (): Residuals => {
      const shapes = residualShapes(config, height, width);
      return {
        skips: shapes.skips.map((shape, k) => graph.input(`residual.${k}`, ["batch", ...shape])),
        mid: graph.input("residual.mid", ["batch", ...shapes.mid]),
      };
    },
  };
  const adapters = lowRank.map((layers) => layers.forLevels(config.layersPerBlock));
  return { graph, scope: new Scope(graph, weights, adapters), config, inputs };
}

const optimizationOf = ({ unet }: UNetParts): Optimization => optimizationFor(unet.weights.bytes);

/** Refuses weights and low-rank layers that the whole UNet has no place for. */
function requireAllTaken({ unet, lowRank }: UNetParts): void {
  unet.weights.requireAllTaken();
  for (const layers of lowRank) layers.requireAllTaken();
}

const timesteps = (latents: FloatTensor, timestep: number): FloatTensor => {
  const batch = latents.shape[0]!;
  return tensor(new Float32Array(batch).fill(timestep), [batch]);
};

function zeroResiduals({ unet, height, width }: UNetParts): (batch: number) => ResidualTensors {
  const shapes = residualShapes(unet.config, height, width);
  const known = new Map<number, ResidualTensors>();
  return (batch) => {
    const made =
      known.get(batch) ??
      Object.fromEntries([
        ...shapes.skips.map((shape, k) => [`residual.${k}`, zeros([batch, ...shape])] as const),
        ["residual.mid", zeros([batch, ...shapes.mid])],
      ]);
    known.set(batch, made);
    return made;
  };
}

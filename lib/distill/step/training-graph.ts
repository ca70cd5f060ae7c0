import { differentiate } from "#lib/autodiff/differentiate.ts";
import { conditioningInputs, type ConditioningValues } from "#lib/diffusion/conditioning.ts";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { guideNetwork } from "#lib/diffusion/guide.ts";
import type { UNetSize } from "#lib/diffusion/unet-graphs.ts";
import { type Encoded, type Residuals, unetDecoder, unetEncoder } from "#lib/diffusion/unet.ts";
import type { UNetConfig } from "#lib/diffusion/unet-config.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { multiply, scalar, subtract, sumOver } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { flatParameters } from "./flat-parameters.ts";
import { optimize, type OptimizerSettings, rateInputs } from "./optimizer.ts";
import type { ParameterLayout } from "./parameter-layout.ts";

/** What a network that trains beside a frozen base finds there, and may build on. */
export interface Surroundings {
  /** The trained network's own parameters. */
  readonly scope: Scope;
  /** [B, C, H, W] */
  readonly latents: Value;
  /** [B] */
  readonly timestep: Value;
  readonly conditioning: ConditioningValues;
  /** [B] */
  readonly guidanceScale: Value;
  /** What the base's encoder made of them; frozen. */
  readonly encoded: Encoded;
  /** The base's decoder: its prediction with residuals, or its own. */
  decode(residuals: Residuals | null): Value;
}

/** A network that trains, up to the prediction [B, C, H, W] that it makes of the base's. */
export type TrainedNetwork = (surroundings: Surroundings) => Value;

/** A guide that adds residuals before the decoder. */
export const residualGuide =
  (config: GuideConfig): TrainedNetwork =>
  ({ scope, latents, timestep, conditioning, guidanceScale, decode }) =>
    decode(guideNetwork(scope, config, latents, timestep, conditioning.text, guidanceScale));

export interface TrainingGraphOptions {
  readonly config: UNetConfig;
  /** Of the base, which stays as it is. */
  readonly parameters: ParametersOf;
  readonly network: TrainedNetwork;
  readonly layout: ParameterLayout;
  readonly size: UNetSize;
  readonly batch: number;
  readonly optimizer: OptimizerSettings;
  readonly recompute: boolean;
}

/**
 * One step of training as one graph: the base's encoder and middle, the network that trains, the base's decoder, the loss, its
 * gradient back through the decoder, and the optimizer. What a step changes are vectors `weights`, `firstMoments`, `secondMoments`
 * and `average`, and come out as `next.weights` and so on.
 */
export function trainingGraph(options: TrainingGraphOptions): Graph {
  const { config, network, layout, size, batch } = options;
  const graph = new Graph("training step");
  const vector = (name: string): Value => graph.input(name, [layout.length]);
  const state = {
    weights: vector("weights"),
    firstMoments: vector("firstMoments"),
    secondMoments: vector("secondMoments"),
    average: vector("average"),
  };
  const latents = graph.input("latents", [batch, config.inChannels, size.height, size.width]);
  const timestep = graph.input("timestep", [batch]);
  const conditioning = conditioningInputs(graph, config, size.tokens, batch);
  const base = Scope.in(graph, options.parameters);
  const encoded = unetEncoder(base, config, latents, timestep, conditioning);
  const prediction = network({
    scope: Scope.in(graph, flatParameters(state.weights, layout)),
    latents,
    timestep,
    conditioning,
    guidanceScale: graph.input("guidanceScale", [batch]),
    encoded,
    decode: (residuals) => unetDecoder(base, config, encoded, residuals, conditioning),
  });
  const loss = lossOf(prediction, graph.input("target", prediction.shape), graph.input("lossWeight", [batch]));

  const [gradient] = differentiate(loss, [state.weights], { recompute: options.recompute }) as [Value];
  const { gradientNorm, ...next } = optimize(state, gradient, rateInputs(graph), options.optimizer);
  graph.output("loss", loss);
  graph.output("gradientNorm", gradientNorm);
  for (const [name, value] of Object.entries(next)) graph.output(`next.${name}`, value);
  return graph;
}

/** The mean over rows of weight · mean((prediction − target)²): [1] */
function lossOf(prediction: Value, target: Value, weights: Value): Value {
  const error = subtract(prediction, target);
  const axes = prediction.shape.map((_dim, axis) => axis);
  const byRow = reshape(sumOver(multiply(error, error), axes.slice(1)), weights.shape);
  const mean = scalar(prediction, 1 / sizeOf(prediction.shape.map(Number)));
  return multiply(sumOver(multiply(byRow, weights), [0]), mean);
}

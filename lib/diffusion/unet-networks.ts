import { adaptedParameters } from "#lib/nn/parameters/adapted.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { type Optimization, optimizationFor } from "#lib/onnx/optimization.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { type FloatTensor, tensor, zeros } from "#lib/tensor/tensor.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import type { Conditioning } from "./conditioning.ts";
import type { Component } from "./model.ts";
import type { UNetConfig } from "./unet-config.ts";
import { decoderGraph, encoderGraph, joinedGraph, type UNetForm, type UNetSize } from "./unet-graphs.ts";
import { residualShapes } from "./unet.ts";

/** Residuals by the names graphs know them by: `residual.0` …, `residual.mid`, each [B, C, H, W]. */
export type ResidualTensors = Readonly<Record<string, FloatTensor>>;

/** Everything that decides the graph of a UNet. */
export interface UNetParts extends UNetSize {
  readonly unet: Component<UNetConfig>;
  readonly lowRank: readonly AdapterLayers[];
}

/** The base, ready to predict. */
export interface UNet {
  readonly config: UNetConfig;
  readonly optimization: Optimization;
  /** latents [B, C, H, W], one timestep for all; residuals of a guide, or none → [B, C, H, W] */
  predict(
    latents: FloatTensor,
    timestep: number,
    conditioning: Conditioning,
    residuals: ResidualTensors | null,
  ): Promise<FloatTensor>;
  close(): Promise<void>;
}

/** The base in two halves, so that several predictions can share one encoding. */
export interface SplitUNet extends UNet {
  encode(latents: FloatTensor, timestep: number, conditioning: Conditioning): Promise<EncodedTensors>;
  decode(encoded: EncodedTensors, conditioning: Conditioning, residuals: ResidualTensors | null): Promise<FloatTensor>;
}

export type EncodedTensors = Readonly<Record<string, FloatTensor>>;

/**
 * One graph, the form for sampling: 0.95 to 1.00 of the time of two on the starter over several runs, 0.98 [0.95, 1.01] on a UNet
 * of SD 1.5's size, where copying the skips hardly shows. `npm run bench -- form`
 *
 * The graph has inputs for residuals only where somebody adds some, so that a prediction without a guide feeds no zeros. One that
 * takes residuals is opened when the first come, and serves for both from then on where keeping two would take the memory of a
 * large base twice.
 */
export async function openUNet(parts: UNetParts, runtime: Runtime, first: UNetForm = "plain"): Promise<UNet> {
  const { config } = parts.unet;
  const optimization = optimizationFor(parts.unet.weights.bytes);
  const open = (form: UNetForm): Promise<Session<"prediction">> => {
    const graph = joinedGraph(config, parts, parametersOf(parts), form);
    requireAllTaken(parts);
    return openSession(graph, runtime, optimization);
  };
  const session = await open(first);
  let [plain, guided] = first === "plain" ? [session, null] : [null, session];
  const none = noResiduals(parts);

  return {
    config,
    optimization,
    async predict(latents, timestep, conditioning, residuals) {
      if (residuals && !guided) {
        if (isLarge(parts)) {
          await plain?.close();
          plain = null;
        }
        guided = await open("guided");
      }
      const inputs = { latents, timestep: timesteps(latents, timestep), ...conditioning };
      if (!residuals && !guided) plain ??= await open("plain");
      if (!residuals && plain) return (await plain.run(inputs)).prediction;
      return (await guided!.run({ ...inputs, ...(residuals ?? none(latents.shape[0]!)) })).prediction;
    },
    async close() {
      await plain?.close();
      await guided?.close();
    },
  };
}

/** Two graphs, for measurements: conditional and guide share the encoder's work. */
export async function openSplitUNet(parts: UNetParts, runtime: Runtime): Promise<SplitUNet> {
  const { config } = parts.unet;
  const optimization = optimizationFor(parts.unet.weights.bytes);
  const graphs = [
    encoderGraph(config, parts, parametersOf(parts)),
    decoderGraph(config, parts, parametersOf(parts)),
  ] as const;
  requireAllTaken(parts);
  await using opening = new AsyncDisposableStack();
  const encoder: Session = opening.adopt(await openSession(graphs[0], runtime, optimization), (one) => one.close());
  const decoder: Session<"prediction"> = await openSession(graphs[1], runtime, optimization);
  opening.move();
  const none = noResiduals(parts);
  const encode: SplitUNet["encode"] = (latents, timestep, conditioning) =>
    encoder.run({ latents, timestep: timesteps(latents, timestep), ...conditioning });
  const decode: SplitUNet["decode"] = async (encoded, conditioning, residuals) =>
    (await decoder.run({ ...encoded, ...conditioning, ...(residuals ?? none(conditioning.text.shape[0]!)) }))
      .prediction;
  return {
    config,
    optimization,
    encode,
    decode,
    predict: async (latents, timestep, conditioning, residuals) =>
      decode(await encode(latents, timestep, conditioning), conditioning, residuals),
    close: async () => {
      await encoder.close();
      await decoder.close();
    },
  };
}

/** The base's parameters as its files and adapters have them. */
export const parametersOf = ({ unet, lowRank }: Pick<UNetParts, "unet" | "lowRank">): ParametersOf =>
  adaptedParameters(
    externalParameters(unet.weights),
    lowRank.map((layers) => layers.forLevels(unet.config.layersPerBlock)),
  );

/** A second graph of less than this costs next to nothing to keep. */
const LARGE_BYTES = 2 ** 28;
const isLarge = ({ unet }: UNetParts): boolean => unet.weights.bytes > LARGE_BYTES;

/** Refuses weights and low-rank layers that the whole UNet has no place for. */
export function requireAllTaken({ unet, lowRank }: Pick<UNetParts, "unet" | "lowRank">): void {
  unet.weights.requireAllTaken();
  for (const layers of lowRank) layers.requireAllTaken();
}

const timesteps = (latents: FloatTensor, timestep: number): FloatTensor => {
  const batch = latents.shape[0]!;
  return tensor(new Float32Array(batch).fill(timestep), [batch]);
};

/** Residuals that change nothing, for graphs that ask for some. */
function noResiduals({ unet, height, width }: UNetParts): (batch: number) => ResidualTensors {
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

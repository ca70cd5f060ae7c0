import type { Graph } from "#lib/onnx/graph.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import type { VaeConfig } from "./vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae-graphs.ts";
import type { Component } from "./model.ts";

/** Scaled latents [B, C, h, w] → pictures [B, 3, H, W], around [−1, 1], not clamped. */
export interface VaeDecoder {
  decode(latents: FloatTensor): Promise<FloatTensor>;
  close(): Promise<void>;
}

/** Pictures [B, 3, H, W] in [−1, 1] → the mean of their latents [B, C, h, w], scaled. */
export interface VaeEncoder {
  encode(pictures: FloatTensor): Promise<FloatTensor>;
  close(): Promise<void>;
}

type Vae = Component<VaeConfig>;

/** Both halves are built, so that a tensor which neither takes is found. */
function vaeGraphs({ config, weights }: Vae, height: number, width: number): { encoder: Graph; decoder: Graph } {
  const parameters = externalParameters(weights);
  const encoder = vaeEncoderGraph(config, height, width, parameters);
  const decoder = vaeDecoderGraph(config, height, width, parameters);
  weights.requireAllTaken();
  return { encoder, decoder };
}

export async function openVaeDecoder(vae: Vae, height: number, width: number, runtime: Runtime): Promise<VaeDecoder> {
  const session: Session<"picture"> = await openSession(vaeGraphs(vae, height, width).decoder, runtime);
  return {
    async decode(latents) {
      const pictures: FloatTensor[] = [];
      // One at a time: a picture of 512 × 512 takes 1.3 GB here, and a batch saves nothing.
      for (let b = 0; b < latents.shape[0]!; b++) {
        pictures.push(
          (await session.run({ latents: scaled(rows(latents, b, b + 1), 1 / vae.config.scalingFactor) })).picture,
        );
      }
      return concat(pictures);
    },
    close: () => session.close(),
  };
}

export async function openVaeEncoder(vae: Vae, height: number, width: number, runtime: Runtime): Promise<VaeEncoder> {
  const session: Session<"mean"> = await openSession(vaeGraphs(vae, height, width).encoder, runtime);
  return {
    encode: async (picture) => scaled((await session.run({ picture })).mean, vae.config.scalingFactor),
    close: () => session.close(),
  };
}

const scaled = (x: FloatTensor, factor: number): FloatTensor =>
  tensor(
    x.data.map((value) => value * factor),
    x.shape,
  );

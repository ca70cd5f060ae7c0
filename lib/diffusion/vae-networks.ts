import { externalParameters } from "#lib/nn/parameters/external.ts";
import type { Graph } from "#lib/onnx/graph.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import type { Component } from "./model.ts";
import { pixelsPerLatent, type VaeConfig } from "./vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae-graphs.ts";
import type { VaeSize } from "./vae-size.ts";
import { runTiled, tilingOf } from "./vae-tiles.ts";

/** Scaled latents [B, C, h, w] → pictures [B, 3, H, W], around [−1, 1], not clamped. */
export interface VaeDecoder {
  decode(latents: FloatTensor): Promise<FloatTensor>;
  close(): Promise<void>;
}

/** Pictures [B, 3, H, W] in [−1, 1] → their latents [B, C, h, w], scaled. */
export interface VaeEncoder {
  /**
   * @param noise  [B, C, h, w] of unit variance, to draw latents of the distribution that a picture stands for, as diffusers'
   *               image-to-image does; null for their mean
   */
  encode(pictures: FloatTensor, noise?: FloatTensor | null): Promise<FloatTensor>;
  close(): Promise<void>;
}

type Vae = Component<VaeConfig>;

export async function openVaeDecoder(vae: Vae, size: VaeSize, runtime: Runtime): Promise<VaeDecoder> {
  const side = vae.config.sampleSize;
  const tiling = size.tiled ? tilingOf(Math.floor(side / pixelsPerLatent(vae.config)), side) : null;
  const sessions = await openSizes(vae, tiling ? smaller(size, tiling.side) : size, "decoder", runtime);
  const decodeOne = async (latents: FloatTensor): Promise<FloatTensor> =>
    (await (await sessions.of(latents)).run({ latents })).picture!;
  return {
    async decode(latents) {
      const pictures: FloatTensor[] = [];
      // One at a time: a picture of 512 × 512 takes 1.3 GB here, and a batch saves nothing.
      for (let b = 0; b < latents.shape[0]!; b++) {
        const one = scaled(rows(latents, b, b + 1), 1 / vae.config.scalingFactor);
        pictures.push(tiling ? await runTiled(one, tiling, decodeOne) : await decodeOne(one));
      }
      return concat(pictures);
    },
    close: sessions.close,
  };
}

export async function openVaeEncoder(vae: Vae, size: VaeSize, runtime: Runtime): Promise<VaeEncoder> {
  const [side, scale] = [vae.config.sampleSize, pixelsPerLatent(vae.config)];
  const tiling = size.tiled ? tilingOf(side, Math.floor(side / scale)) : null;
  const sessions = await openSizes(vae, tiling ? smaller(size, Math.floor(side / scale)) : size, "encoder", runtime);
  const encodeOne = async (picture: FloatTensor): Promise<FloatTensor> =>
    (await (await sessions.of(picture, scale)).run({ picture })).moments!;
  return {
    async encode(pictures, noise = null) {
      const moments: FloatTensor[] = [];
      for (let b = 0; b < pictures.shape[0]!; b++) {
        const one = rows(pictures, b, b + 1);
        moments.push(tiling ? await runTiled(one, tiling, encodeOne) : await encodeOne(one));
      }
      return scaled(drawLatents(concat(moments), noise), vae.config.scalingFactor);
    },
    close: sessions.close,
  };
}

/** A session for each size that comes: the tiles at the edges are smaller. The first is opened at once, so that a fault shows. */
async function openSizes(vae: Vae, first: VaeSize, half: "encoder" | "decoder", runtime: Runtime) {
  const sessions = new Map<string, Session<"picture" | "moments">>();
  const open = async (height: number, width: number): Promise<Session<"picture" | "moments">> => {
    const key = `${height} ${width}`;
    const session = sessions.get(key) ?? (await openSession(vaeGraphs(vae, height, width)[half], runtime));
    sessions.set(key, session);
    return session;
  };
  await open(first.height, first.width);
  return {
    of: ({ shape }: FloatTensor, scale = 1) => open(shape[2]! / scale, shape[3]! / scale),
    close: async (): Promise<void> => {
      for (const session of sessions.values()) await session.close();
    },
  };
}

/** mean + e^(½ log variance) · noise; the logarithm is kept within −30 … 20, as in diffusers' DiagonalGaussianDistribution. */
function drawLatents({ data, shape }: FloatTensor, noise: FloatTensor | null): FloatTensor {
  const [batch, both, height, width] = shape as [number, number, number, number];
  const size = (both / 2) * height * width;
  const latents = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < size; i++) {
      const mean = data[2 * b * size + i]!;
      const logVariance = Math.min(20, Math.max(-30, data[(2 * b + 1) * size + i]!));
      latents[b * size + i] = mean + (noise ? Math.exp(logVariance / 2) * noise.data[b * size + i]! : 0);
    }
  }
  return tensor(latents, [batch, both / 2, height, width]);
}

const smaller = ({ height, width }: VaeSize, side: number): VaeSize => ({
  height: Math.min(height, side),
  width: Math.min(width, side),
});

/** Both halves are built, so that a tensor which neither takes is found. */
function vaeGraphs({ config, weights }: Vae, height: number, width: number): { encoder: Graph; decoder: Graph } {
  const parameters = externalParameters(weights);
  const encoder = vaeEncoderGraph(config, height, width, parameters);
  const decoder = vaeDecoderGraph(config, height, width, parameters);
  weights.requireAllTaken();
  return { encoder, decoder };
}

const scaled = (x: FloatTensor, factor: number): FloatTensor =>
  tensor(
    x.data.map((value) => value * factor),
    x.shape,
  );

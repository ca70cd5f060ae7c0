import type { Runtime } from "#lib/onnx/session.ts";
import { type Picture, toPicture } from "#lib/picture/rgb.ts";
import { type FloatTensor, zeros } from "#lib/tensor/tensor.ts";
import { leastSquares } from "#lib/util/least-squares.ts";
import { pixelsPerLatent, type VaeConfig } from "./vae-config.ts";
import type { Component } from "./model.ts";
import { openVaeEncoder } from "./vae-networks.ts";

/** Scaled latents [B, C, h, w] → a picture of one pixel for each, good enough to see what is coming. */
export type CoarsePicture = (latents: FloatTensor) => Picture;

/** Tiles of solid colour, this many latents wide; only the middle of each is read, where no neighbour reaches. */
const TILE = 8;
const COLUMNS = 9;

/**
 * The best linear map from latents to colours, for whichever VAE: a mosaic of 27 solid colours is encoded once, and the map
 * is the least-squares fit of the colours to the latents they became.
 */
export async function fitCoarsePicture(vae: Component<VaeConfig>, runtime: Runtime): Promise<CoarsePicture> {
  const colors = [-1, 0, 1].flatMap((red) =>
    [-1, 0, 1].flatMap((green) => [-1, 0, 1].map((blue) => [red, green, blue] as const)),
  );
  const [height, width] = [(colors.length / COLUMNS) * TILE, COLUMNS * TILE];
  const encoder = await openVaeEncoder(vae, { height, width }, runtime);
  const latents = await encoder.encode(mosaic(colors, height, width, pixelsPerLatent(vae.config)));
  await encoder.close();

  const samples = colors.map((_color, i) => {
    const [y, x] = [(Math.floor(i / COLUMNS) + 0.5) * TILE, ((i % COLUMNS) + 0.5) * TILE];
    return [
      ...Array.from({ length: vae.config.latentChannels }, (_, c) => latents.data[(c * height + y) * width + x]!),
      1,
    ];
  });
  const map = [0, 1, 2].map((channel) =>
    leastSquares(
      samples,
      colors.map((color) => color[channel]!),
      1e-6,
    ),
  );
  return (x) => toPicture(applyMap(map, x));
}

/** Tiles of the colours, COLUMNS in a row: [1, 3, scale·height, scale·width]. */
function mosaic(colors: readonly (readonly number[])[], height: number, width: number, scale: number): FloatTensor {
  const picture = zeros([1, 3, height * scale, width * scale]);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        picture.data[at++] = colors[Math.floor(y / scale / TILE) * COLUMNS + Math.floor(x / scale / TILE)]![channel]!;
      }
    }
  }
  return picture;
}

function applyMap(map: readonly (readonly number[])[], { data, shape }: FloatTensor): FloatTensor {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const size = height * width;
  const out = zeros([batch, 3, height, width]);
  for (let b = 0; b < batch; b++) {
    for (const [color, weights] of map.entries()) {
      for (let i = 0; i < size; i++) {
        let sum = weights[channels]!;
        for (let c = 0; c < channels; c++) sum += weights[c]! * data[(b * channels + c) * size + i]!;
        out.data[(b * 3 + color) * size + i] = sum;
      }
    }
  }
  return out;
}

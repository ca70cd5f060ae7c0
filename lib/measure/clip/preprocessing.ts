import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { parseConfig, useOwnConfig } from "#lib/diffusion/config-json.ts";
import { type Filter, resizePicture } from "#lib/picture/resize.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

/** What becomes of a picture before CLIP sees it: the steps of transformers' CLIPImageProcessor, each of which may be left out. */
export interface Preprocessing {
  readonly resize: { readonly to: { readonly shortestEdge: number } | Size; readonly filter: Filter } | null;
  readonly crop: Size | null;
  /** The values of a byte 0 … 255 in each channel, scaled and normalised. */
  readonly values: readonly [Float32Array, Float32Array, Float32Array];
}

interface Size {
  readonly height: number;
  readonly width: number;
}

const side = z.int().min(1).max(4096);
const exactly = z.strictObject({ height: side, width: side });
const threeNumbers = z.array(z.number()).length(3);
const perChannel = z.union([threeNumbers, z.number().transform((value) => [value, value, value])]);

/** A bare number is what the feature extractors of 2022 wrote: of `size` the shortest edge, of `crop_size` both. */
const preprocessorJson = z.looseObject({
  image_processor_type: z.enum(["CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"]).nullish(),
  feature_extractor_type: z.literal("CLIPFeatureExtractor").nullish(),
  do_resize: z.boolean().default(true),
  size: z
    .union([
      side.transform((shortestEdge) => ({ shortestEdge })),
      z.strictObject({ shortest_edge: side }).transform(({ shortest_edge }) => ({ shortestEdge: shortest_edge })),
      exactly,
    ])
    .default({ shortestEdge: 224 }),
  resample: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .default(3)
    .transform((number) => pillowFilters[number]),
  do_center_crop: z.boolean().default(true),
  crop_size: z
    .union([side.transform((both) => ({ height: both, width: both })), exactly])
    .default({ height: 224, width: 224 }),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: perChannel.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: perChannel.default([0.26862954, 0.26130258, 0.27577711]),
  do_pad: z.literal(false).nullish(),
});

const pillowFilters = { 1: "lanczos", 2: "bilinear", 3: "bicubic" } as const;

/** @throws unsupported_model */
export function parsePreprocessing(json: unknown, file: string): Preprocessing {
  const raw = parseConfig(preprocessorJson, json, file, useOwnConfig);
  if (raw.do_normalize && raw.image_std.includes(0))
    throw new AppError("unsupported_model", `${file}: "image_std" holds a 0, which nothing can be divided by.`);
  const scale = raw.do_rescale ? raw.rescale_factor : 1;
  const table = (channel: 0 | 1 | 2): Float32Array =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = Math.fround(byte * scale);
      if (!raw.do_normalize) return scaled;
      return Math.fround(scaled - Math.fround(raw.image_mean[channel]!)) / Math.fround(raw.image_std[channel]!);
    });
  return {
    resize: raw.do_resize ? { to: raw.size, filter: raw.resample } : null,
    crop: raw.do_center_crop ? raw.crop_size : null,
    values: [table(0), table(1), table(2)],
  };
}

const MAX_PIXELS = 2 ** 24; // what a square of 4,096 has

/** @returns [1, 3, H, W] @throws bad_request for a picture so narrow that it would be resized to gigabytes */
export function preprocess(picture: Picture, { resize, crop, values }: Preprocessing): FloatTensor {
  let prepared = picture;
  if (resize) {
    const { width, height } = resizedSize(picture, resize.to);
    if (width * height > MAX_PIXELS) {
      const sentence = `A picture of ${picture.width} × ${picture.height} px would be resized to ${width} × ${height}`;
      throw new AppError("bad_request", `${sentence}, more than is read; give one that is less narrow.`);
    }
    prepared = resizePicture(picture, width, height, resize.filter);
  }
  if (crop) prepared = cropCenter(prepared, crop);
  const { width, height, rgb } = prepared;
  const out = new Float32Array(3 * width * height);
  values.forEach((table, channel) => {
    for (let i = 0; i < width * height; i++) out[channel * width * height + i] = table[rgb[3 * i + channel]!]!;
  });
  return tensor(out, [1, 3, height, width]);
}

function resizedSize({ width, height }: Picture, to: { readonly shortestEdge: number } | Size): Size {
  if (!("shortestEdge" in to)) return to;
  const { shortestEdge } = to;
  const long = (one: number, other: number): number => Math.trunc((shortestEdge * one) / other);
  return width <= height
    ? { width: shortestEdge, height: long(height, width) }
    : { width: long(width, height), height: shortestEdge };
}

/** What is missing at the edges is black: as in transformers, half of it, rounded up, above and to the left. */
function cropCenter({ width, height, rgb }: Picture, to: Size): Picture {
  const offset = (before: number, after: number): number => Math.floor((before - after) / 2);
  const [left, top] = [offset(width, to.width), offset(height, to.height)];
  const out = new Uint8Array(3 * to.width * to.height);
  const [begin, end] = [Math.max(0, left), Math.min(width, left + to.width)];
  for (let y = Math.max(0, top); y < Math.min(height, top + to.height); y++) {
    const row = rgb.subarray(3 * (y * width + begin), 3 * (y * width + end));
    out.set(row, 3 * ((y - top) * to.width + begin - left));
  }
  return { ...to, rgb: out };
}

import { fileURLToPath } from "node:url";
import { sdxl } from "#lib/families/sdxl.ts";
import { UNET_PREFIX } from "#lib/families/single-file.ts";
import { readPacked } from "../tests/support/packed.ts";
import { type Shapes, writeRandomWeights } from "./random-weights.ts";

export const sdxlPath = fileURLToPath(new URL("out/sdxl.safetensors", import.meta.url));

/**
 * A single file of SDXL's size under the names that its authors' code gives, with random half-precision weights: 6.9 GB,
 * written once and kept.
 */
export const writeSdxl = (): Promise<void> => writeRandomWeights(sdxlPath, sdxlShapes());

const [clipPrefix, openClipPrefix] = sdxl.textEncoders.map(({ singleFile }) => singleFile[0]!.prefix);

/** Which names an SDXL file holds is recorded from the code that wrote the first. */
export const sdxlShapes = (): Shapes =>
  new Map([
    ...shapesIn("clip-l", clipPrefix!),
    ...shapesIn("open-clip-g", openClipPrefix!),
    ...shapesIn("vae", "first_stage_model."),
    ...shapesIn("sdxl-unet", UNET_PREFIX),
  ]);

/** A line of six fields is a tensor that a network of ours is made of, by its foreign name and shape first. */
const shapesIn = (table: string, prefix: string): [string, readonly number[]][] =>
  readPacked(`ldm-names/${table}.tsv`)
    .split("\n")
    .map((line) => line.split("\t"))
    .filter((fields) => fields.length === 6)
    .map(([name, shape]) => [prefix + name!, shape!.split("x").map(Number)]);

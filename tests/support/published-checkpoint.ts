import { prefixed, type Shapes } from "../fixtures/inspection/headers.ts";
import { readPacked } from "./packed.ts";

/** Names and shapes as the reference code has them, which the golden tables hold. */
function shapesOf(network: string): Shapes {
  const table = readPacked(`ldm-names/${network}.tsv`);
  return Object.fromEntries(
    table
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        const [name, shape] = line.split("\t");
        return [name!, shape ? shape.split("x").map(Number) : []];
      }),
  );
}

/** Every tensor of a whole checkpoint in one file, of the real size. */
export const publishedCheckpoint = {
  sd1: (): Shapes => ({
    ...prefixed("model.diffusion_model.", shapesOf("sd1-unet")),
    ...prefixed("first_stage_model.", shapesOf("vae")),
    ...prefixed("cond_stage_model.transformer.", shapesOf("clip-l")),
  }),
  sdxl: (): Shapes => ({
    ...prefixed("model.diffusion_model.", shapesOf("sdxl-unet")),
    ...prefixed("first_stage_model.", shapesOf("vae")),
    ...prefixed("conditioner.embedders.0.transformer.", shapesOf("clip-l")),
    ...prefixed("conditioner.embedders.1.model.", shapesOf("open-clip-g")),
  }),
};

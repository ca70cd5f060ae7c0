import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

const sd1 = fileURLToPath(new URL("../golden/families/sd1", import.meta.url));

/**
 * A folder with the text encoder of a golden model, and a UNet and a VAE of random weights by their `config.json`: for what depends on
 * sizes and not on values.
 */
export async function writeRandomModel(folder: string, configs: { readonly unet: object; readonly vae: object }) {
  await cp(sd1, folder, { recursive: true });
  const unet = new RecordingParameters();
  const unetConfig = parseUNetConfig(configs.unet, "unet");
  joinedGraph(unetConfig, smallestSize(unetConfig), unet.of);
  const vae = new RecordingParameters();
  const vaeConfig = parseVaeConfig(configs.vae, "vae");
  vaeEncoderGraph(vaeConfig, 8, 8, vae.of);
  vaeDecoderGraph(vaeConfig, 8, 8, vae.of);
  for (const [part, { shapes }, config] of [
    ["unet", unet, configs.unet],
    ["vae", vae, configs.vae],
  ] as const) {
    await mkdir(join(folder, part), { recursive: true });
    await writeFile(join(folder, part, "config.json"), JSON.stringify(config));
    const weights = new Map(Array.from(shapes, ([name, shape]) => [name, randomWeight(name, shape)]));
    await writeFile(join(folder, part, "diffusion_pytorch_model.safetensors"), writeSafetensors(weights));
  }
}

const generator = createGenerator(11);

/** Norms scale by about 1, the rest keeps the variance of what it multiplies. */
function randomWeight(name: string, shape: readonly number[]): FloatTensor {
  const isScale = shape.length === 1 && /norm[^.]*\.weight$/.test(name);
  const spread = shape.length >= 2 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.05;
  return tensor(
    generator.randn(shape).data.map((value) => spread * value + (isScale ? 1 : 0)),
    shape,
  );
}

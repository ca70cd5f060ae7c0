import { openModel } from "#lib/diffusion/open-model.ts";
import { unetParts } from "#lib/diffusion/pipeline.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { pixelsPerLatent } from "#lib/diffusion/vae-config.ts";
import { openVaeDecoder } from "#lib/diffusion/vae-networks.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { peakMemory } from "./peak-memory.ts";
import { conditioningFor } from "./random-conditioning.ts";
import type { SizesCase, SizesFigures } from "./sizes.ts";

const [path, one, rounds, runtimeText] = process.argv.slice(2) as [string, string, string, string];
const { what, pixels } = JSON.parse(one) as SizesCase;
const runtime = JSON.parse(runtimeText) as Runtime;
const begin = performance.now();
const model = await openModel(path);
const side = pixels / pixelsPerLatent(model.vae.config);
const size = { height: side, width: side };
const generator = createGenerator(0);
const latents = generator.randn([1, model.unet.config.inChannels, side, side]);
const run = await openOne();
const opened = performance.now();
const runs: number[] = [];
for (let round = -1; round < Number(rounds); round++) {
  const started = performance.now();
  await run();
  if (round >= 0) runs.push((performance.now() - started) / 1000);
}
const figures: SizesFigures = { open: (opened - begin) / 1000, runs, peak: peakMemory() };
process.send!(figures, () => process.exit(0));

async function openOne(): Promise<() => Promise<unknown>> {
  if (what !== "UNet step") {
    const vae = await openVaeDecoder(model.vae, { ...size, tiled: what === "VAE decode, tiled" }, runtime);
    return () => vae.decode(latents);
  }
  const parts = unetParts({ model, lowRank: [], embeddings: [], guide: null }, size);
  const unet = await openUNet(parts, runtime);
  const conditioning = conditioningFor(model.unet.config, parts.tokens, generator);
  return () => unet.predict(latents, 801, conditioning, null);
}

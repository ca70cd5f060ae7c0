import { openPipeline } from "#lib/diffusion/pipeline.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { OpenSingleFigures } from "./open-single.ts";
import { peakMemory } from "./peak-memory.ts";
import { conditioningFor } from "./random-conditioning.ts";
import { createGenerator } from "#lib/tensor/random.ts";

const [path, side, runtime] = process.argv.slice(2) as [string, string, string];
const size = { height: Number(side), width: Number(side) };

const begin = performance.now();
const files = await readModelFiles({ model: path, lowRank: [], guide: null });
const pipeline = await openPipeline(files, size, JSON.parse(runtime) as Runtime);
const opened = performance.now();
const openedPeak = peakMemory();
const { config } = files.model.unet;
const generator = createGenerator(0);
const latents = generator.randn([1, config.inChannels, size.height, size.width]);
await pipeline.unet.predict(latents, 801, conditioningFor(config, 77, generator), null);
const figures: OpenSingleFigures = {
  open: (opened - begin) / 1000,
  step: (performance.now() - opened) / 1000,
  openedPeak,
  peak: peakMemory(),
};
process.send!(figures, () => process.exit(0));

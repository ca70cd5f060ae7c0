import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openPipeline } from "#lib/diffusion/pipeline.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { changeEntries } from "#lib/measure/adapted-entries.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import type { AdaptedNetwork } from "#lib/weights/adapters/names.ts";
import { readAdapter } from "#lib/weights/adapters/read-adapter.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

/** Adapters as diffusers 0.42.1 and peft 0.21.2 write and read them; see the README beside the cases. */
const root = fileURLToPath(new URL("../../golden/adapters/", import.meta.url));

interface Case {
  readonly what: string;
  readonly model: string;
  readonly refused?: boolean;
  readonly tolerance: number;
  readonly settings: {
    readonly prompt: string;
    readonly timestep: number;
    readonly adapters: readonly { readonly file: string; readonly strength: number }[];
  };
}

const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, ...(JSON.parse(readFileSync(join(root, name, "case.json"), "utf8")) as Case) }));

const networks: Readonly<Record<string, AdaptedNetwork>> = {
  unet: "unet",
  text_encoder: "textEncoder",
  text_encoder_2: "textEncoder2",
};

async function valuesOf(one: ExternalTensor): Promise<Float32Array> {
  const source = await openFile(one.path);
  const { data } = await readTensor(source, one);
  await source.close();
  return data;
}

describe.each(cases.filter(({ refused }) => !refused))("$name: $what", ({ name, model, tolerance, settings }) => {
  const folder = join(root, name);
  const adapters = settings.adapters.map(({ file, strength }) => ({ path: join(folder, file), strength }));
  const choice = { model: join(folder, model), lowRank: adapters, guide: null };
  const family = join(folder, model, "golden.safetensors");

  test("text states, pooled text and a prediction", async () => {
    const golden = await readTensors(join(folder, "golden.safetensors"));
    const inputs = await readTensors(family);
    const latents = inputs.get("unet.latents")!;
    const [, , height, width] = latents.shape as [number, number, number, number];
    const pipeline = await openPipeline(await readModelFiles(choice), { height, width }, testRuntime);
    const size = { height: 2 * height, width: 2 * width };
    const sizes = { original: size, crop: { top: 0, left: 0 }, target: size };
    const expectSame = (found: FloatTensor, key: string): void => {
      const wanted = golden.get(key);
      if (wanted) expect(relativeError(found, wanted), key).toBeLessThan(tolerance);
    };
    const said = await pipeline.text.condition([settings.prompt], sizes);
    expectSame(said.text, "text.prompt");
    if (said.pooledText) expectSame(said.pooledText, "pooled.prompt");
    // The UNet hears what the base's own text encoders say.
    const [pooledText, timeIds] = [inputs.get("pooled.prompt"), inputs.get("unet.time_ids")];
    const conditioning = {
      text: inputs.get("text.prompt")!,
      ...(pooledText && timeIds ? { pooledText, timeIds } : {}),
    };
    expectSame(await pipeline.unet.predict(latents, settings.timestep, conditioning, null), "unet.prediction");
    await pipeline.close();
  });

  test("weights, entry by entry, as the measure of lineage merges them", async () => {
    const golden = await readTensors(join(folder, "golden.safetensors"));
    const { unet, textEncoders } = (await readModelFiles(choice)).model;
    const weightsOf: Record<AdaptedNetwork, WeightMap | undefined> = {
      unet: unet.weights,
      textEncoder: textEncoders[0].weights,
      textEncoder2: textEncoders[1]?.weights,
    };
    const files = await Promise.all(adapters.map(({ path, strength }) => readAdapter(path, strength)));
    for (const [key, wanted] of golden) {
      const [, part, module] = /^weight\.(\w+?)\.(.+)$/.exec(key) ?? [];
      if (part === undefined || module === undefined) continue;
      const network = networks[part]!;
      const base = await valuesOf(weightsOf[network]!.find(`${module}.weight`)!);
      const values = base.slice();
      const spans = [{ begin: 0, end: sizeOf(wanted.shape) }];
      for (const file of files) {
        const change = file[network].forLevels(unet.config.layersPerBlock).take(module, wanted.shape);
        if (change)
          await changeEntries(change, { shape: wanted.shape, spans, values, base: async () => base }, valuesOf);
      }
      expect(relativeError(tensor(values, wanted.shape), wanted), key).toBeLessThan(1e-6);
    }
  });

  test("inspect says that it runs", async () => {
    for (const { path } of adapters) {
      expect(await inspectPath(path)).toMatchObject({ kind: "low-rank fine-tune", runs: true, problems: [] });
    }
  });
});

test.each(cases.filter(({ refused }) => refused))("$name: $what is refused by its name", async ({ name, model }) => {
  const path = join(root, name, "adapter.safetensors");
  const reading = readModelFiles({ model: join(root, name, model), lowRank: [{ path, strength: 1 }], guide: null });
  const algorithm = { loha: "a LoHa", lokr: "a LoKr" }[name]!;
  await expect(reading).rejects.toMatchObject({
    code: "unsupported_model",
    message: expect.stringContaining(algorithm),
  });
  expect(await inspectPath(path)).toMatchObject({ runs: false, problems: [expect.stringContaining(algorithm)] });
});

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { concat, type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

const root = fileURLToPath(new URL("../../golden/unets/", import.meta.url));
const readCase = (name: string) => JSON.parse(readFileSync(`${root}${name}/case.json`, "utf8")) as Case;

interface Case {
  readonly what: string;
  readonly tolerance: number;
  readonly error?: string;
}

const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, ...readCase(name) }));

describe("a UNet made of the same blocks predicts what diffusers' does", () => {
  test.each(cases.filter(({ error }) => !error))("$name: $what", async ({ name, tolerance }) => {
    const config = parseUNetConfig(JSON.parse(readFileSync(`${root}${name}/config.json`, "utf8")), name);
    const file = await readWeightsFile(`${root}${name}/diffusion_pytorch_model.safetensors`);
    const golden = await readTensors(`${root}${name}/golden.safetensors`);
    for (const key of golden.keys().filter((name) => name.startsWith("prediction"))) {
      const size = key.slice("prediction".length);
      const latents = golden.get(`latents${size}`)!;
      const [, , height, width] = latents.shape as [number, number, number, number];
      const text = golden.get("text")!;
      const weights = new WeightMap(name, [file]);
      const parts = { unet: { config, weights, files: [file] }, lowRank: [], tokens: text.shape[1]!, height, width };
      const unet = await openUNet(parts, testRuntime);
      const found: FloatTensor[] = [];
      for (let row = 0; row < latents.shape[0]!; row++) {
        const at = (tensor: string): FloatTensor | undefined => {
          const whole = golden.get(tensor);
          return whole && rows(whole, row, row + 1);
        };
        const [pooledText, timeIds, guidanceEmbedding] = [at("pooled"), at("time_ids"), at("timestep_cond")];
        const conditioning: Conditioning = {
          text: at("text")!,
          ...(pooledText && { pooledText }),
          ...(timeIds && { timeIds }),
          ...(guidanceEmbedding && { guidanceEmbedding }),
        };
        const timestep = golden.get("timestep")!.data[row]!;
        found.push(await unet.predict(rows(latents, row, row + 1), timestep, conditioning, null));
      }
      expect(relativeError(concat(found), golden.get(key)!), key).toBeLessThan(tolerance);
      await unet.close();
    }
  });

  test.each(cases.filter(({ error }) => error))("$name: $what", ({ name }) => {
    const json: unknown = JSON.parse(readFileSync(`${root}${name}/config.json`, "utf8"));
    expect(() => parseUNetConfig(json, name)).toThrow(/"num_attention_heads" is 4, which we do not run/);
  });
});

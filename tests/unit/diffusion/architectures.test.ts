import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTextEncoderConfig, parseUNetConfig, parseVaeConfig } from "#lib/diffusion/config.ts";
import type { Component } from "#lib/diffusion/model-folder.ts";
import { openTextEncoder, textEncoderGraph } from "#lib/diffusion/text-encoder.ts";
import { residualShapes } from "#lib/diffusion/unet.ts";
import { joinedGraph, openSplitUNet, openUNet, type ResidualTensors } from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder, openVaeEncoder, vaeGraphs } from "#lib/diffusion/vae-networks.ts";
import { concat, type FloatTensor, rows, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { RecordingWeights } from "../../../bench/recording-weights.ts";
import golden from "../../golden/architectures/vectors.json" with { type: "json" };
import { temporaryFolder } from "../../support/cli.ts";
import { relativeError } from "../../support/close-to.ts";
import { testRuntime } from "../../support/golden.ts";

const TOLERANCE = 1e-5;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Element j of tensor `index`: shift + scale · u with u in [−1, 1), as make.py has it. */
function wave(index: number, shape: readonly number[], scale = 1, shift = 0): FloatTensor {
  const u = (j: number): number => {
    const x = 43758.5453 * Math.sin(12.9898 * j + 78.233 * index + 1);
    return 2 * (x - Math.floor(x)) - 1;
  };
  return tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, j) => shift + scale * u(j)),
    shape,
  );
}

/** A weights file with every tensor that `build` asks for. */
async function component<Config>(
  config: Config,
  name: string,
  build: (component: Component<Config>) => unknown,
): Promise<Component<Config>> {
  const recording = new RecordingWeights();
  build({ config, weights: recording, files: [] });
  const names = [...recording.asked.keys()].toSorted();
  const tensors = names.map((tensorName, index): [string, FloatTensor] => {
    const shape = recording.asked.get(tensorName)!;
    if (shape.length >= 2) return [tensorName, wave(index, shape, 1 / Math.sqrt(sizeOf(shape.slice(1))))];
    return [tensorName, wave(index, shape, 0.1, tensorName.includes("norm") && tensorName.endsWith("weight") ? 1 : 0)];
  });
  const path = folder.path(`${name.replaceAll(/\W/g, "-")}.safetensors`);
  await writeFile(path, writeSafetensors(new Map(tensors)));
  const file = await readWeightsFile(path);
  return { config, files: [file], weights: new WeightMap(name, [file]) };
}

describe.each(Object.entries(golden.unets))(
  "a UNet %s equals diffusers'",
  (name, { config: json, prediction, guided }) => {
    const config = parseUNetConfig(json, name);
    const text = wave(1, [2, 5, config.crossAttentionDim]);
    const latents = wave(0, [2, 4, 8, 8], 1.5);
    const shapes = residualShapes(config, 8, 8);
    const residuals = (row: number): ResidualTensors => ({
      ...Object.fromEntries(
        shapes.skips.map((shape, k) => [`residual.${k}`, rows(wave(10 + k, [2, ...shape], 0.2), row, row + 1)]),
      ),
      "residual.mid": rows(wave(99, [2, ...shapes.mid], 0.2), row, row + 1),
    });

    test.each([
      ["in one graph", openUNet],
      ["in two", openSplitUNet],
    ] as const)("%s, alone and with residuals", async (_what, open) => {
      const size = { lowRank: [], tokens: 5, height: 8, width: 8 };
      const unet = await open(
        { unet: await component(config, name, (unetOf) => joinedGraph({ unet: unetOf, ...size })), ...size },
        testRuntime,
      );
      const predict = async (withResiduals: boolean): Promise<FloatTensor> => {
        const parts: FloatTensor[] = [];
        for (const [row, timestep] of [801, 221].entries()) {
          parts.push(
            await unet.predict(
              rows(latents, row, row + 1),
              timestep,
              rows(text, row, row + 1),
              withResiduals ? residuals(row) : unet.noResiduals(1),
            ),
          );
        }
        return concat(parts);
      };
      expect(relativeError(await predict(false), asTensor(prediction))).toBeLessThan(TOLERANCE);
      expect(relativeError(await predict(true), asTensor(guided))).toBeLessThan(TOLERANCE);
      await unet.close();
    });
  },
);

test("a VAE with attention in its middle equals diffusers', both ways", async () => {
  const config = parseVaeConfig(golden.vae.config, "vae");
  const vae = await component(config, "vae", (vaeOf) => vaeGraphs(vaeOf, 8, 8));
  const encoder = await openVaeEncoder(vae, 8, 8, testRuntime);
  const mean = await encoder.encode(wave(2, [1, 3, 16, 16]));
  const expected = asTensor(golden.vae.mean);
  expect(
    relativeError(
      mean,
      tensor(
        expected.data.map((value) => value * config.scalingFactor),
        expected.shape,
      ),
    ),
  ).toBeLessThan(TOLERANCE);
  const decoder = await openVaeDecoder(vae, 8, 8, testRuntime);
  const latents = wave(3, [1, 4, 8, 8]);
  const scaled = tensor(
    latents.data.map((value) => value * config.scalingFactor),
    latents.shape,
  );
  expect(relativeError(await decoder.decode(scaled), asTensor(golden.vae.picture))).toBeLessThan(TOLERANCE);
  await encoder.close();
  await decoder.close();
});

test("a text encoder with the exact gelu equals transformers'", async () => {
  const config = parseTextEncoderConfig(golden.clip.config, "text encoder");
  const encoder = await component(config, "clip", (encoderOf) => textEncoderGraph(encoderOf, []));
  const ids = [golden.clip.tokens.slice(0, 9), golden.clip.tokens.slice(9)];
  const tokenizer = {
    maxTokens: 9,
    special: { start: 0, end: 0, padding: 0 },
    comma: null,
    tokenize: () => [],
    encode: (text: string) => ({ ids: Int32Array.from(ids[Number(text)]!), used: 9, cut: false }),
    unknownWords: () => [],
  };
  const opened = await openTextEncoder(encoder, [], tokenizer, testRuntime);
  expect(relativeError(await opened.embed(["0", "1"]), asTensor(golden.clip.states))).toBeLessThan(TOLERANCE);
  await opened.close();
});

const asTensor = ({ shape, data }: { shape: number[]; data: number[] }): FloatTensor =>
  tensor(Float32Array.from(data), shape);

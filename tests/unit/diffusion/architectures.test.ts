import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Component } from "#lib/diffusion/model.ts";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { residualShapes } from "#lib/diffusion/unet.ts";
import { openSplitUNet, openUNet, type ResidualTensors } from "#lib/diffusion/unet-networks.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { openVaeDecoder, openVaeEncoder } from "#lib/diffusion/vae-networks.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { openSession } from "#lib/onnx/session.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { concat, type FloatTensor, rows, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
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
  build: (parameters: ParametersOf) => unknown,
): Promise<Component<Config>> {
  const recording = new RecordingParameters();
  build(recording.of);
  const names = [...recording.shapes.keys()].toSorted();
  const tensors = names.map((tensorName, index): [string, FloatTensor] => {
    const shape = recording.shapes.get(tensorName)!;
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
        { unet: await component(config, name, (parameters) => joinedGraph(config, size, parameters)), ...size },
        testRuntime,
      );
      const predict = async (withResiduals: boolean): Promise<FloatTensor> => {
        const parts: FloatTensor[] = [];
        for (const [row, timestep] of [801, 221].entries()) {
          parts.push(
            await unet.predict(
              rows(latents, row, row + 1),
              timestep,
              { text: rows(text, row, row + 1) },
              withResiduals ? residuals(row) : null,
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
  const vae = await component(config, "vae", (parameters) => {
    vaeEncoderGraph(config, 8, 8, parameters);
    vaeDecoderGraph(config, 8, 8, parameters);
  });
  const encoder = await openVaeEncoder(vae, { height: 8, width: 8 }, testRuntime);
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
  const decoder = await openVaeDecoder(vae, { height: 8, width: 8 }, testRuntime);
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
  const encoder = await component(config, "clip", (parameters) => textEncoderGraph(config, parameters, lastStates));
  const tokens = tensor(Int32Array.from(golden.clip.tokens), [2, 9]);
  const session = await openSession<"states">(
    textEncoderGraph(config, externalParameters(encoder.weights), lastStates),
    testRuntime,
  );
  expect(relativeError((await session.run({ tokens })).states, asTensor(golden.clip.states))).toBeLessThan(TOLERANCE);
  await session.close();
});

const asTensor = ({ shape, data }: { shape: number[]; data: number[] }): FloatTensor =>
  tensor(Float32Array.from(data), shape);

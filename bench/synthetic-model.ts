import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { type Shapes, writeRandomWeights } from "./random-weights.ts";
import { sd15UNetJson } from "./sd15.ts";
import { starterPath } from "./starter-path.ts";

/** Configs of the networks of a model, as diffusers writes them. */
interface Configs {
  readonly unet: object;
  readonly vae: { readonly block_out_channels: readonly number[] };
}

/** `mid` is of SD 1.5's form with 142 M instead of 860 M parameters; both have its text encoder. */
export const syntheticModels: Readonly<Record<"mid" | "sd15", Configs>> = {
  mid: {
    unet: { ...sd15UNetJson, block_out_channels: [128, 256, 512, 512], sample_size: 32 },
    vae: { block_out_channels: [64, 128, 256, 256] },
  },
  sd15: { unet: sd15UNetJson, vae: { block_out_channels: [128, 256, 512, 512] } },
};

const textEncoder = {
  architectures: ["CLIPTextModel"],
  model_type: "clip_text_model",
  hidden_act: "quick_gelu",
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  vocab_size: 49_408,
  eos_token_id: 606,
};

/** A diffusers folder with random half-precision weights and the starter's words: written once and kept. */
export async function writeSyntheticModel(folder: string, { unet, vae }: Configs): Promise<void> {
  const vaeJson = { _class_name: "AutoencoderKL", layers_per_block: 2, sample_size: 512, ...vae };
  const unetConfig = parseUNetConfig(unet, "unet");
  const vaeConfig = parseVaeConfig(vaeJson, "vae");
  const textConfig = parseTextEncoderConfig(textEncoder, "text_encoder");
  const write = async (path: string, json: object): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), JSON.stringify(json, null, 2));
  };
  const copy = async (path: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await copyFile(starterPath(`storybook/${path}`), join(folder, path));
  };
  await write("unet/config.json", unet);
  await write("vae/config.json", vaeJson);
  await write("text_encoder/config.json", textEncoder);
  const words = ["tokenizer/vocab.json", "tokenizer/merges.txt"];
  for (const path of ["model_index.json", "scheduler/scheduler_config.json", ...words]) await copy(path);
  const settings: object = JSON.parse(await readFile(starterPath("storybook/tokenizer/tokenizer_config.json"), "utf8"));
  await write("tokenizer/tokenizer_config.json", { ...settings, model_max_length: 77, max_length: 77 });

  await writeRandomWeights(
    join(folder, "unet/diffusion_pytorch_model.safetensors"),
    shapesOf((parameters) => joinedGraph(unetConfig, smallestSize(unetConfig), parameters)),
  );
  await writeRandomWeights(
    join(folder, "vae/diffusion_pytorch_model.safetensors"),
    shapesOf(
      (parameters) => vaeEncoderGraph(vaeConfig, 8, 8, parameters),
      (parameters) => vaeDecoderGraph(vaeConfig, 8, 8, parameters),
    ),
  );
  await writeRandomWeights(
    join(folder, "text_encoder/model.safetensors"),
    shapesOf((parameters) => textEncoderGraph(textConfig, parameters, lastStates)),
  );
}

export function shapesOf(...builds: readonly ((parameters: ParametersOf) => unknown)[]): Shapes {
  const recording = new RecordingParameters();
  for (const build of builds) build(recording.of);
  return recording.shapes;
}

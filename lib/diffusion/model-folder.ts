import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { readJson } from "#lib/util/read-json.ts";
import { clipName } from "#lib/weights/names/clip.ts";
import { vaeName } from "#lib/weights/names/vae.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import {
  parseTextEncoderConfig,
  parseUNetConfig,
  parseVaeConfig,
  type TextEncoderConfig,
  type UNetConfig,
  type VaeConfig,
} from "./config.ts";
import { parseScheduleConfig } from "./schedule-config.ts";
import type { Schedule } from "./schedule.ts";

/** One network of a folder: what it computes, and the tensors it computes with. */
export interface Component<Config> {
  readonly config: Config;
  readonly weights: WeightMap;
  readonly files: readonly WeightsFile[];
}

/** A diffusers folder, with every header and config read and no weight touched. */
export interface ModelFolder {
  readonly path: string;
  readonly name: string;
  readonly unet: Component<UNetConfig>;
  readonly textEncoder: Component<TextEncoderConfig>;
  readonly vae: Component<VaeConfig>;
  readonly schedule: Schedule;
  readonly tokenizerFolder: string;
  /** The files beside the weights that decide what is computed. */
  readonly settings: readonly {
    readonly role: "config" | "schedule" | "tokenizer";
    readonly name: string;
    readonly path: string;
  }[];
}

const modelIndex = z.looseObject({ _class_name: z.string() });

// Pipelines made of the same four networks. Others, such as SDXL's, need parts that are not built.
const pipelines = new Set([
  "StableDiffusionPipeline",
  "StableDiffusionImg2ImgPipeline",
  "StableDiffusionControlNetPipeline",
]);

export async function openModelFolder(given: string): Promise<ModelFolder> {
  const path = await requireFolder(given);
  const name = basename(path);
  const json = (part: string, file: string): Promise<unknown> =>
    readJson(join(path, part, file), `${name}/${part}/${file}`);

  const unetJson = await json("unet", "config.json").catch((failure: unknown) => {
    if (!(failure instanceof AppError) || failure.code !== "file_not_found") throw failure;
    throw new AppError(
      "unsupported_model",
      `${name} has no UNet (unet/config.json is missing); give a diffusers folder, with unet, text_encoder, vae, tokenizer and scheduler inside.`,
      { path },
      failure,
    );
  });
  const index = modelIndex.safeParse(await readJson(join(path, "model_index.json"), `${name}/model_index.json`));
  if (!index.success || !pipelines.has(index.data._class_name)) {
    const kind = index.success ? index.data._class_name : "without a class name";
    throw new AppError(
      "unsupported_model",
      `${name} is a pipeline ${kind}; Stable Diffusion 1.x and 2.x folders (StableDiffusionPipeline) work.`,
    );
  }
  const component = async <Config>(
    part: string,
    stem: string,
    config: Config,
    rename?: (foreign: string) => string | null,
  ): Promise<Component<Config>> => {
    const files = await readComponentWeights(join(path, part), stem, `${name}/${part}`);
    return { config, files, weights: new WeightMap(`${name}/${part}`, files, rename) };
  };
  return {
    path,
    name,
    unet: await component("unet", "diffusion_pytorch_model", parseUNetConfig(unetJson, `${name}/unet/config.json`)),
    textEncoder: await component(
      "text_encoder",
      "model",
      parseTextEncoderConfig(await json("text_encoder", "config.json"), `${name}/text_encoder/config.json`),
      clipName,
    ),
    vae: await component(
      "vae",
      "diffusion_pytorch_model",
      parseVaeConfig(await json("vae", "config.json"), `${name}/vae/config.json`),
      vaeName,
    ),
    schedule: parseScheduleConfig(
      await json("scheduler", "scheduler_config.json"),
      `${name}/scheduler/scheduler_config.json`,
    ),
    tokenizerFolder: join(path, "tokenizer"),
    settings: [
      ...["unet", "text_encoder", "vae"].map((part) => ({ role: "config" as const, file: join(part, "config.json") })),
      { role: "schedule" as const, file: join("scheduler", "scheduler_config.json") },
      ...(await tokenizerFilesIn(path)).map((file) => ({ role: "tokenizer" as const, file })),
    ].map(({ role, file }) => ({ role, name: join(name, file), path: join(path, file) })),
  };
}

/** What keeps the networks of a folder from working together, in words. */
export function partMismatches({ name, unet, textEncoder, vae }: ModelFolder): string[] {
  const mismatches: string[] = [];
  const [wanted, given] = [unet.config.crossAttentionDim, textEncoder.config.width];
  if (wanted !== given)
    mismatches.push(
      `${name}: its UNet reads text states of width ${wanted}, and its text encoder gives ${given}; use the parts of one model.`,
    );
  const { latentChannels } = vae.config;
  for (const [does, channels] of [
    ["reads", unet.config.inChannels],
    ["predicts", unet.config.outChannels],
  ] as const) {
    if (channels === latentChannels) continue;
    mismatches.push(
      `${name}: its UNet ${does} ${channels} channels, and its VAE has ${latentChannels} latent channels; such models do not run here.`,
    );
  }
  return mismatches;
}

// The files a tokenizer may consist of; others, such as a readme, do not change what it does.
const tokenizerFiles = new Set([
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
]);

async function tokenizerFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, "tokenizer")).catch(() => []);
  return names
    .filter((name) => tokenizerFiles.has(name))
    .toSorted()
    .map((name) => join("tokenizer", name));
}

async function requireFolder(path: string): Promise<string> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `There is no folder ${path}; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory())
    throw new AppError("bad_request", `${basename(path)} is a file; give the diffusers folder of the model.`, { path });
  return realpath(path);
}

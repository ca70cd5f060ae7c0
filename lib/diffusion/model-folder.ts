import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { pipelineParts, pipelineRefusal, textEncoderFolders } from "#lib/families/pipelines.ts";
import { type Folder, readJsonIn } from "#lib/weights/folder.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { vaeNaming } from "#lib/weights/names/vae.ts";
import type { Naming } from "#lib/weights/tensor-view.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import type { Component, Model, SettingsFile, TextEncoderComponent } from "./model.ts";
import { referencePipelineOf } from "./reference-corrections.ts";
import { parseScheduleConfig } from "./schedule-config.ts";
import { settingsFile } from "./settings-file.ts";
import { parseTextEncoderConfig } from "./text-encoder-config.ts";
import { openTokenizer } from "./tokenizer.ts";
import { parseUNetConfig } from "./unet-config.ts";
import { parseVaeConfig } from "./vae-config.ts";

const modelIndex = z.looseObject({
  _class_name: z.string(),
  force_zeros_for_empty_prompt: z.boolean().default(true), // as StableDiffusionXLPipeline has it
});

/** Reads a diffusers folder. @throws unsupported_model, file_not_found, malformed_weights, bad_request */
export async function openModelFolder(folder: Folder): Promise<Model> {
  const { name } = folder;
  const json = (part: string, file = "config.json"): Promise<unknown> => readJsonIn(folder.folder(part), file);

  const readIndex = () => readJsonIn(folder, "model_index.json");
  const unetJson = await json("unet").catch(async (failure: unknown) => {
    if (!(failure instanceof AppError) || failure.code !== "file_not_found") throw failure;
    requirePipeline(name, await readIndex().catch(() => ({}))); // it may well be a model without one
    const give = "give a diffusers folder, with unet, text_encoder, vae, tokenizer and scheduler inside";
    const sentence = `${name} has no UNet (unet/config.json is missing); ${give}.`;
    throw new AppError("unsupported_model", sentence, {}, failure);
  });
  const index = requirePipeline(name, await readIndex());
  const encoderParts = index && textEncoderFolders(index._class_name);
  if (!encoderParts)
    throw new AppError("unsupported_model", `${name}/model_index.json names no pipeline; download the folder again.`);
  const component = async <Config>(
    part: string,
    stem: string,
    config: Config,
    naming?: Naming,
  ): Promise<Component<Config>> => {
    const files = await readComponentWeights(folder.folder(part), stem);
    return { config, files, weights: new WeightMap(`${name}/${part}`, files, naming) };
  };
  const classOf = (part: string): string | null => pipelineParts(index).find((one) => one.name === part)?.type ?? null;
  const textEncoder = async (part: string): Promise<TextEncoderComponent> => {
    const config = parseTextEncoderConfig(await json(part), `${name}/${part}/config.json`, classOf(part));
    return {
      ...(await component(part, "model", config, clipNaming)),
      openTokenizer: () => openTokenizer(folder.folder(tokenizerOf(part)), config.maxTokens),
    };
  };
  const unet = parseUNetConfig(unetJson, `${name}/unet/config.json`);
  const vae = parseVaeConfig(await json("vae"), `${name}/vae/config.json`);
  const [first, ...others] = encoderParts as readonly [string, ...string[]];
  const settings = [
    ...["unet", ...encoderParts, "vae"].map((part) => settingsFile(folder.folder(part), "config", "config.json")),
    settingsFile(folder.folder("scheduler"), "schedule", "scheduler_config.json"),
  ];
  for (const part of encoderParts) settings.push(...(await tokenizerFilesIn(folder.folder(tokenizerOf(part)))));
  return {
    path: folder.locate(""),
    name,
    unet: await component("unet", "diffusion_pytorch_model", unet),
    textEncoders: [await textEncoder(first), ...(await Promise.all(others.map(textEncoder)))],
    vae: await component("vae", "diffusion_pytorch_model", vae, vaeNaming),
    schedule: parseScheduleConfig(
      await json("scheduler", "scheduler_config.json"),
      `${name}/scheduler/scheduler_config.json`,
      referencePipelineOf(unet),
    ),
    zerosForNothing: unet.added !== null && index.force_zeros_for_empty_prompt,
    settings,
  };
}

const tokenizerOf = (encoder: string): string => encoder.replace("text_encoder", "tokenizer");

/** Null for what is no index. @throws unsupported_model, naming what a pipeline that does not run is of */
function requirePipeline(name: string, json: unknown): z.infer<typeof modelIndex> | null {
  const index = modelIndex.safeParse(json).data ?? null;
  const listed = index ? pipelineParts(index).map((part) => part.name) : [];
  const refusal = index && pipelineRefusal(name, index._class_name, listed);
  if (refusal) throw new AppError("unsupported_model", refusal);
  return index;
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

async function tokenizerFilesIn(folder: Folder): Promise<SettingsFile[]> {
  const names = (await folder.names()).filter((name) => tokenizerFiles.has(name));
  return names.toSorted().map((name) => settingsFile(folder, "tokenizer", name));
}

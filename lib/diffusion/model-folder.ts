import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { readJson } from "#lib/util/read-json.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { vaeNaming } from "#lib/weights/names/vae.ts";
import type { Naming } from "#lib/weights/tensor-view.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import type { Component, Model, TextEncoderComponent } from "./model.ts";
import { referencePipelineOf } from "./reference-corrections.ts";
import { parseScheduleConfig } from "./schedule-config.ts";
import { parseTextEncoderConfig } from "./text-encoder-config.ts";
import { openTokenizer } from "./tokenizer.ts";
import { parseUNetConfig } from "./unet-config.ts";
import { parseVaeConfig } from "./vae-config.ts";

const modelIndex = z.looseObject({
  _class_name: z.string(),
  force_zeros_for_empty_prompt: z.boolean().default(true), // as StableDiffusionXLPipeline has it
});

/** The text encoders of each pipeline that runs. Others need parts that are not built. */
const pipelines: Readonly<Record<string, readonly string[]>> = {
  StableDiffusionPipeline: ["text_encoder"],
  StableDiffusionImg2ImgPipeline: ["text_encoder"],
  StableDiffusionXLPipeline: ["text_encoder", "text_encoder_2"],
  StableDiffusionXLImg2ImgPipeline: ["text_encoder", "text_encoder_2"],
  LatentConsistencyModelPipeline: ["text_encoder"],
};

/** Reads a diffusers folder. @throws unsupported_model, file_not_found, malformed_weights, bad_request */
export async function openModelFolder(given: string): Promise<Model> {
  const path = await requireFolder(given);
  const name = basename(path);
  const json = (part: string, file: string): Promise<unknown> =>
    readJson(join(path, part, file), `${name}/${part}/${file}`);

  const unetJson = await json("unet", "config.json").catch((failure: unknown) => {
    if (!(failure instanceof AppError) || failure.code !== "file_not_found") throw failure;
    const give = "give a diffusers folder, with unet, text_encoder, vae, tokenizer and scheduler inside";
    const sentence = `${name} has no UNet (unet/config.json is missing); ${give}.`;
    throw new AppError("unsupported_model", sentence, { path }, failure);
  });
  const index = modelIndex.safeParse(await readJson(join(path, "model_index.json"), `${name}/model_index.json`));
  const encoderParts = index.success ? pipelines[index.data._class_name] : undefined;
  if (!index.success || !encoderParts) {
    const kind = index.success ? index.data._class_name : "without a class name";
    const works = "Stable Diffusion 1.x, 2.x and XL folders work";
    throw new AppError("unsupported_model", `${name} is a pipeline ${kind}; ${works}.`);
  }
  const component = async <Config>(
    part: string,
    stem: string,
    config: Config,
    naming?: Naming,
  ): Promise<Component<Config>> => {
    const files = await readComponentWeights(join(path, part), stem, `${name}/${part}`);
    return { config, files, weights: new WeightMap(`${name}/${part}`, files, naming) };
  };
  const textEncoder = async (part: string): Promise<TextEncoderComponent> => {
    const config = parseTextEncoderConfig(await json(part, "config.json"), `${name}/${part}/config.json`);
    return {
      ...(await component(part, "model", config, clipNaming)),
      openTokenizer: () => openTokenizer(join(path, tokenizerOf(part)), config.maxTokens),
    };
  };
  const unet = parseUNetConfig(unetJson, `${name}/unet/config.json`);
  const vae = parseVaeConfig(await json("vae", "config.json"), `${name}/vae/config.json`);
  const scheduler = join("scheduler", "scheduler_config.json");
  const [first, ...others] = encoderParts as readonly [string, ...string[]];
  const tokenizers = (await Promise.all(encoderParts.map((part) => tokenizerFilesIn(path, tokenizerOf(part))))).flat();
  const settings = [
    ...["unet", ...encoderParts, "vae"].map((part) => ({ role: "config" as const, file: join(part, "config.json") })),
    { role: "schedule" as const, file: scheduler },
    ...tokenizers.map((file) => ({ role: "tokenizer" as const, file })),
  ];
  return {
    path,
    name,
    unet: await component("unet", "diffusion_pytorch_model", unet),
    textEncoders: [await textEncoder(first), ...(await Promise.all(others.map(textEncoder)))],
    vae: await component("vae", "diffusion_pytorch_model", vae, vaeNaming),
    schedule: parseScheduleConfig(
      await json("scheduler", "scheduler_config.json"),
      `${name}/${scheduler}`,
      referencePipelineOf(unet),
    ),
    zerosForNothing: unet.added !== null && index.data.force_zeros_for_empty_prompt,
    settings: settings.map(({ role, file }) => ({ role, name: join(name, file), path: join(path, file) })),
  };
}

const tokenizerOf = (encoder: string): string => encoder.replace("text_encoder", "tokenizer");

// The files a tokenizer may consist of; others, such as a readme, do not change what it does.
const tokenizerFiles = new Set([
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
]);

async function tokenizerFilesIn(folder: string, part: string): Promise<string[]> {
  const names = await readdir(join(folder, part)).catch(() => []);
  return names
    .filter((name) => tokenizerFiles.has(name))
    .toSorted()
    .map((name) => join(part, name));
}

async function requireFolder(path: string): Promise<string> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `There is no folder ${path}; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory())
    throw new AppError("bad_request", `${basename(path)} is a file; give the diffusers folder of the model.`, { path });
  return realpath(path);
}

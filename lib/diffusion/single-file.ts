import { basename } from "node:path";
import { namesOfRunning } from "#lib/families/all.ts";
import type { FamilyConfigs } from "#lib/families/family.ts";
import { predictionFromBias, predictionOf, SD2_TELLING_BIAS, zeroTerminalSnrOf } from "#lib/families/prediction.ts";
import {
  configsFor,
  recogniseSingleFile,
  type SingleFile,
  type SingleFileTextEncoder,
  UNET_PREFIX,
  variantOf,
} from "#lib/families/single-file.ts";
import { AppError } from "#lib/errors.ts";
import { type ByteSource, openFile } from "#lib/weights/byte-source.ts";
import { type Folder, readJsonIn } from "#lib/weights/folder.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { ldmUNetNaming } from "#lib/weights/names/ldm-unet.ts";
import { ldmVaeNaming } from "#lib/weights/names/ldm-vae.ts";
import { openClipNaming } from "#lib/weights/names/open-clip.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { type Naming, within } from "#lib/weights/tensor-view.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import type { Component, Model, TextEncoderComponent } from "./model.ts";
import { referencePipelineOf } from "./reference-corrections.ts";
import { parseScheduleConfig } from "./schedule-config.ts";
import { settingsFile } from "./settings-file.ts";
import { parseTextEncoderConfig, type TextEncoderConfig } from "./text-encoder-config.ts";
import type { ClipTokenizer } from "./tokenizer.ts";
import { parseUNetConfig } from "./unet-config.ts";
import { parseVaeConfig } from "./vae-config.ts";

/**
 * Reads a single-file checkpoint of Stable Diffusion 1, 2 or XL, which keeps all networks under the names of their authors' code.
 * It is run from the file itself: each network's tensors are views into it.
 *
 * @param config  a diffusers folder whose configs and tokenizers describe the networks, for a file of another shape than its
 *                family's (`from_single_file(config=…)` of diffusers); null for the family's own, which are built in
 * @throws unsupported_model, weights_mismatch, malformed_weights, file_not_found
 */
export async function openSingleFile(path: string, config: Folder | null): Promise<Model> {
  const source = await openFile(path);
  try {
    const file: WeightsFile = { name: source.name, path: source.path, header: await readHeader(source) };
    return await singleFileModel(source, file, config);
  } finally {
    await source.close();
  }
}

/** What `openSingleFile` does once the header is read. */
export async function singleFileModel(source: ByteSource, file: WeightsFile, config: Folder | null): Promise<Model> {
  const found = requireRunnable(file, recogniseSingleFile(file.header.tensors, config !== null), config !== null);
  const prediction = await predictionIn(source, file, found);
  const marks = { predictionType: prediction, zeroTerminalSnr: zeroTerminalSnrIn(file) };
  const settings = config === null ? builtIn(file, found, marks) : await fromFolder(config, found, marks);
  return modelOf(file, found, settings);
}

type Runnable = SingleFile & { readonly family: NonNullable<SingleFile["family"]> };

function requireRunnable({ name }: WeightsFile, found: SingleFile | null, hasConfig: boolean): Runnable {
  const give = `give a checkpoint of ${namesOfRunning}, or a diffusers folder`;
  if (!found?.found)
    throw new AppError("unsupported_model", `${name} is not a checkpoint that is known here; ${give}.`);
  const { family } = found;
  const whyNot = found.found.whyNot ?? family?.whyNot;
  if (!family || (whyNot && !hasConfig)) {
    const why = whyNot ? `: ${whyNot}` : "";
    const sentence = `${name} is ${found.found.name}, which does not run here${why}`;
    const way = whyNot ? give : "give the folder of its configs with --config, or a diffusers folder";
    throw new AppError("unsupported_model", `${sentence}; ${way}.`);
  }
  if (found.missing.length > 0) {
    const missing = found.missing.join(" and ");
    throw new AppError("unsupported_model", `${name} lacks ${missing}; get the complete checkpoint.`, {
      missing: found.missing,
    });
  }
  if (!found.fitsConfigs && !hasConfig) {
    const sentence = `${name} is ${family.name} with other blocks than its published config has`;
    throw new AppError("unsupported_model", `${sentence}; give the folder of its configs with --config.`);
  }
  return { ...found, family };
}

/** What a single file says of itself: the settings of its scheduler that nothing in its shapes tells. */
interface Marks {
  readonly predictionType: string | null;
  readonly zeroTerminalSnr: boolean;
}

async function predictionIn(source: ByteSource, { header }: WeightsFile, { family }: Runnable): Promise<string | null> {
  const said = predictionOf(header.metadata, header.tensors);
  if (said) return said.type;
  const bias = header.tensors.get(`${UNET_PREFIX}${SD2_TELLING_BIAS}`);
  const tells = family.id === "sd2" && bias !== undefined;
  return tells ? predictionFromBias((await readTensor(source, bias)).data).type : null;
}

const zeroTerminalSnrIn = ({ header }: WeightsFile): boolean =>
  zeroTerminalSnrOf(header.metadata, header.tensors) ?? false;

/** Where configs and tokenizers come from. */
interface Settings {
  readonly configs: FamilyConfigs;
  /** How messages name a part's config. */
  shown(part: string): string;
  /** What tokenizers need is loaded with the first: looking into a file takes none. */
  openTokenizer(encoder: SingleFileTextEncoder, config: TextEncoderConfig): Promise<ClipTokenizer>;
  readonly files: Model["settings"];
}

function builtIn({ name }: WeightsFile, { family, guidanceWidth }: Runnable, marks: Marks): Settings {
  const configs = configsFor(variantOf(family, marks.predictionType), { ...marks, guidanceWidth });
  if (!configs) throw new AppError("unsupported_model", `${name}: no config of ${family.name} is built in; give one.`);
  return {
    configs,
    shown: (part) => `the ${part} config of ${family.name}`,
    openTokenizer: async ({ names }, { maxTokens }) => {
      const { clipTokenizer } = await import("./clip-tokenizer.ts");
      return clipTokenizer({ padding: names === "OpenCLIP" ? "!" : "<|endoftext|>", maxPositions: maxTokens });
    },
    files: [],
  };
}

async function fromFolder(folder: Folder, { family }: Runnable, marks: Marks): Promise<Settings> {
  const json = async (part: string, file = "config.json"): Promise<Record<string, unknown>> => {
    const found = await readJsonIn(folder.folder(part), file);
    return typeof found === "object" && found !== null ? { ...found } : {};
  };
  const parts = ["unet", ...family.textEncoders.map((encoder) => encoder.folder), "vae"];
  const read = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await json(part)] as const)));
  const scheduler = {
    ...(await json("scheduler", "scheduler_config.json")),
    ...(marks.predictionType && { prediction_type: marks.predictionType }),
    ...(marks.zeroTerminalSnr && { rescale_betas_zero_snr: true }),
  };
  return {
    configs: { ...(read as Omit<FamilyConfigs, "scheduler">), scheduler },
    shown: (part) => `${folder.name}/${part}/config.json`,
    openTokenizer: async ({ part }, { maxTokens }) =>
      (await import("./tokenizer.ts")).openTokenizer(folder.folder(part.tokenizerFolder), maxTokens),
    files: [
      ...parts.map((part) => settingsFile(folder.folder(part), "config", "config.json")),
      settingsFile(folder.folder("scheduler"), "schedule", "scheduler_config.json"),
    ],
  };
}

function modelOf(file: WeightsFile, found: Runnable, { configs, shown, files, openTokenizer: open }: Settings): Model {
  const component = <Config>(what: string, prefix: string, naming: Naming, config: Config): Component<Config> => ({
    config,
    files: [file],
    weights: new WeightMap(`${file.name} (${what})`, [file], within(prefix, naming)),
  });
  const textEncoder = (encoder: SingleFileTextEncoder): TextEncoderComponent => {
    const { folder, name } = encoder.part;
    const config = parseTextEncoderConfig(configs[folder], shown(folder));
    const naming = encoder.names === "OpenCLIP" ? openClipNaming : clipNaming;
    return { ...component(name, encoder.prefix, naming, config), openTokenizer: () => open(encoder, config) };
  };
  const unet = parseUNetConfig(configs.unet, shown("unet"));
  const vae = parseVaeConfig(configs.vae, shown("vae"));
  const [first, ...others] = found.textEncoders.map(textEncoder);
  return {
    path: file.path,
    name: basename(file.name, ".safetensors"),
    unet: component("UNet", found.unet.prefix, ldmUNetNaming(unet), unet),
    textEncoders: [first!, ...others],
    vae: component("VAE", found.vae!.prefix, ldmVaeNaming(vae), vae),
    schedule: parseScheduleConfig(configs.scheduler, shown("scheduler"), referencePipelineOf(unet)),
    zerosForNothing: unet.added !== null, // as StableDiffusionXLPipeline has it where no index says otherwise
    settings: files,
  };
}

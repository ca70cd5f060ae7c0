import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { readJson } from "#lib/util/read-json.ts";
import { type ByteSource, openFile } from "../byte-source.ts";
import { isFloat, readIntegers, readTensor } from "../read-tensor.ts";
import { readHeader, type TensorEntry } from "../safetensors.ts";
import type { WeightsFile } from "../weight-map.ts";
import { type AdapterLayer, AdapterLayers, networkWords } from "./adapter-layers.ts";
import {
  type AdaptedNetwork,
  adaptedNetworks,
  type AdapterName,
  adapterName,
  type AdapterPart,
  type Algorithm,
} from "./names.ts";
import { type AdapterSettings, configSettings, headerSettings } from "./settings.ts";

/** 1 is as it was trained. */
export type NetworkStrengths = Readonly<Record<AdaptedNetwork, number>>;

/** An adapter file, by the networks it changes. */
export interface AdapterFile extends Readonly<Record<AdaptedNetwork, AdapterLayers>> {
  readonly file: WeightsFile;
  /** That of the UNet. */
  readonly strength: number;
  readonly strengths: NetworkStrengths;
}

/**
 * Reads an adapter: a file, or a folder as PEFT saves it. Text encoders may be given a strength of their own. What
 * does not run is refused by its name.
 */
export async function readAdapter(given: string, strength: number | NetworkStrengths): Promise<AdapterFile> {
  const strengths =
    typeof strength === "number" ? { unet: strength, textEncoder: strength, textEncoder2: strength } : strength;
  const path = await weightsPath(given);
  const source = await openFile(path, path === given ? undefined : `${basename(given)}/${basename(path)}`);
  try {
    const { name } = source;
    const file: WeightsFile = { name, path: source.path, header: await readHeader(source) };
    const settings = await settingsOf(file, path);
    const layers = await readLayers(file, source, settings);
    const of = (network: AdaptedNetwork): AdapterLayers =>
      new AdapterLayers({
        file: name,
        network,
        layers: layers[network],
        settings: settings[network],
        strength: strengths[network],
      });
    return {
      file,
      strength: strengths.unet,
      strengths,
      unet: of("unet"),
      textEncoder: of("textEncoder"),
      textEncoder2: of("textEncoder2"),
    };
  } finally {
    await source.close();
  }
}

/**
 * Refuses an adapter of which nothing would be used: it changes only networks that the base does not have. Where it
 * changes others too, those of them that the base has are used, as in diffusers.
 */
export function requireNetworks(adapter: AdapterFile, has: readonly AdaptedNetwork[]): void {
  if (has.some((network) => adapter[network].size > 0)) return;
  const only = adaptedNetworks.filter((network) => adapter[network].size > 0).map((network) => networkWords[network]);
  throw new AppError(
    "weights_mismatch",
    `${adapter.file.name} changes only the ${only.join(" and ")}, and this model has none; use it with a base that has one.`,
    { has },
  );
}

const inFolder = ["adapter_model.safetensors", "pytorch_lora_weights.safetensors"];

async function weightsPath(given: string): Promise<string> {
  const isFolder = (await stat(given).catch(() => null))?.isDirectory() ?? false;
  if (!isFolder) return given;
  for (const name of inFolder) if (await isThere(join(given, name))) return join(given, name);
  throw new AppError(
    "file_not_found",
    `The folder ${given} has neither ${inFolder.join(" nor ")}; give the adapter's .safetensors file.`,
    { path: given },
  );
}

/** PEFT keeps its settings in a file beside the weights, diffusers in their header. */
async function settingsOf({ name, path, header }: WeightsFile, given: string): Promise<AdapterSettings> {
  const inHeader = headerSettings(header.metadata, name);
  if (adaptedNetworks.some((network) => inHeader[network] !== null)) return inHeader;
  if (basename(given) !== "adapter_model.safetensors" && basename(path) !== "adapter_model.safetensors")
    return inHeader;
  const config = join(dirname(given), "adapter_config.json");
  const shown = "the adapter_config.json beside " + name;
  return (await isThere(config)) ? configSettings(await readJson(config, shown), shown) : inHeader;
}

const isThere = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

interface FoundModule {
  readonly shown: string;
  readonly network: AdaptedNetwork;
  readonly parts: Partial<Record<AdapterPart, TensorEntry>>;
}

type LayersByNetwork = Record<AdaptedNetwork, Map<string, AdapterLayer>>;

async function readLayers(file: WeightsFile, source: ByteSource, settings: AdapterSettings): Promise<LayersByNetwork> {
  const layers: LayersByNetwork = { unet: new Map(), textEncoder: new Map(), textEncoder2: new Map() };
  for (const [key, found] of modulesOf(file)) {
    const { network } = found;
    const layer = await layerOf(found, { file, source });
    if (settings[network]?.usesDora && layer.lowRank?.magnitude === null)
      throw new AppError(
        "malformed_weights",
        `${file.name} says that it is a DoRA, and its layer "${found.shown}" has no magnitudes; save it again from its trainer.`,
        { module: found.shown },
      );
    layers[network].set(key.slice(network.length + 1), layer);
  }
  return layers;
}

/** The tensors of each module that changes something here, by network and module. */
function modulesOf({ name, header }: WeightsFile): Map<string, FoundModule> {
  const named = [...header.tensors.values()].map((entry) => ({ entry, ...requireRuns(name, entry) }));
  const modules = new Map<string, FoundModule>();
  for (const { entry, network, module, shown, part } of named) {
    if (network === "textEncoder3" || network === "transformer" || network === "other")
      throw new AppError(
        "unsupported_model",
        `${name} changes "${shown}", ${foreignNetworks[network]}, and no model that runs here has one; ` +
          "use it with the base it was trained on.",
        { module: shown },
      );
    const key = `${network}.${module}`;
    const known = modules.get(key)?.parts ?? {};
    if (known[part])
      throw new AppError(
        "malformed_weights",
        `${name} has "${known[part].name}" and "${entry.name}", which are the same part of one layer; save it again from its trainer.`,
        { tensors: [known[part].name, entry.name] },
      );
    modules.set(key, { shown, network, parts: { ...known, [part]: entry } });
  }
  if (modules.size === 0)
    throw new AppError("malformed_weights", `${name} holds no low-rank layers; give a LoRA file.`);
  return modules;
}

const foreignNetworks = {
  textEncoder3: "part of a third text encoder",
  transformer: "part of a diffusion transformer",
  other: "part of a network that is not known here",
} as const;

function requireRuns(file: string, { name }: TensorEntry): AdapterName {
  const found = adapterName(name);
  if (found && found.part !== "foreign") return found;
  throw new AppError(
    "unsupported_model",
    found
      ? `${file} holds "${name}", which belongs to ${algorithmWords[found.algorithm] ?? found.algorithm}, and that does not ` +
          "run here; LoRA, LoCon, DoRA and full differences do."
      : `${file} holds "${name}", which is no part of an adapter that is known here; give a LoRA file.`,
    { tensor: name, algorithm: found?.algorithm ?? null },
  );
}

const algorithmWords: Partial<Record<Algorithm, string>> = {
  LoHa: "a LoHa (Hadamard products of low-rank matrices)",
  LoKr: "a LoKr (Kronecker products)",
  OFT: "an OFT or BOFT (orthogonal transforms)",
  GLoRA: "a GLoRA",
  "(IA)³": "an (IA)³ (factors for activations)",
  VeRA: "a VeRA (random matrices that the file does not hold)",
};

interface Reading {
  readonly file: WeightsFile;
  readonly source: ByteSource;
}

async function layerOf({ shown, parts }: FoundModule, reading: Reading): Promise<AdapterLayer> {
  const { down, up, mid, alpha, difference, biasDifference } = parts;
  const magnitude = parts.magnitude ?? parts.doraScale;
  const refuse = (what: string): never => {
    throw new AppError("malformed_weights", `${reading.file.name}: ${what}; save the file again from its trainer.`, {
      module: shown,
    });
  };
  const isLowRank = down !== undefined || up !== undefined || mid !== undefined || magnitude !== undefined;
  if (!isLowRank) {
    if (!difference && !biasDifference) refuse(`the layer "${shown}" has an alpha, and nothing that it would scale`);
    return {
      shown,
      lowRank: null,
      difference: difference ? tensorOf(difference, reading) : null,
      biasDifference: biasDifference ? tensorOf(biasDifference, reading) : null,
    };
  }
  if (difference) refuse(`the layer "${shown}" is low-rank and a full difference at once`);
  if (!down || !up) return refuse(`the layer "${shown}" has only one of its two halves`);
  const rank = down.shape[0] ?? 0;
  const isVector = (shape: readonly number[]): boolean => shape.slice(2).every((dim) => dim === 1);
  const middle = mid?.shape;
  const paired =
    rank > 0 &&
    [2, 4].includes(down.shape.length) &&
    [2, 4].includes(up.shape.length) &&
    up.shape[1] === rank &&
    isVector(up.shape) &&
    (!middle || (middle.length === 4 && middle[0] === rank && middle[1] === rank && isVector(down.shape)));
  if (!paired) {
    const [a, b] = [`[${down.shape.join(", ")}]`, `[${up.shape.join(", ")}]`];
    const between = middle ? ` with [${middle.join(", ")}] between them` : "";
    refuse(`the halves ${a} and ${b}${between} of the layer "${shown}" do not multiply`);
  }
  return {
    shown,
    lowRank: {
      down: tensorOf(down, reading),
      up: tensorOf(up, reading),
      mid: mid ? tensorOf(mid, reading) : null,
      alpha: alpha ? await readAlpha(alpha, reading) : null,
      magnitude: magnitude
        ? { tensor: tensorOf(magnitude, reading), rule: parts.magnitude ? "PEFT" : "LyCORIS" }
        : null,
    },
    difference: null,
    biasDifference: biasDifference ? tensorOf(biasDifference, reading) : null,
  };
}

function tensorOf(entry: TensorEntry, { file }: Reading): ExternalTensor {
  if (isFloat(entry.dtype)) return { ...entry, path: file.path };
  throw new AppError(
    "unsupported_model",
    `${file.name}: the tensor "${entry.name}" is stored as ${entry.dtype}; save the adapter in F32, F16 or BF16.`,
    { tensor: entry.name, dtype: entry.dtype },
  );
}

async function readAlpha(entry: TensorEntry, { source }: Reading): Promise<number> {
  const read = isFloat(entry.dtype) ? readTensor : readIntegers; // diffusers' own converter writes whole numbers
  const value = sizeOf(entry.shape) === 1 ? (await read(source, entry)).data[0]! : NaN;
  if (Number.isFinite(value)) return value;
  throw new AppError(
    "malformed_weights",
    `${source.name}: "${entry.name}" is not one finite number; save the file again from its trainer.`,
    { tensor: entry.name },
  );
}

import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { type ByteSource, openFile } from "./byte-source.ts";
import { type AdaptedNetwork, lowRankPart, lowRankSpellings, networkOf, type Part } from "./names/low-rank.ts";
import { readTensor } from "./read-tensor.ts";
import { readHeader, type TensorEntry } from "./safetensors.ts";
import type { WeightsFile } from "./weight-map.ts";

/** W becomes W + scale · up·down, with up [out, rank(, 1, 1)] and down [rank, in(, k, k)]. */
export interface LowRankLayer {
  readonly down: ExternalTensor;
  readonly up: ExternalTensor;
  readonly scale: number;
}

/** The layers of one low-rank file that change one network. Like a WeightMap it remembers what was taken. */
export class LowRankLayers {
  readonly #file: string;
  readonly #network: AdaptedNetwork;
  readonly #layers: ReadonlyMap<string, LowRankLayer>;
  readonly #taken = new Set<string>();

  constructor(file: string, network: AdaptedNetwork, layers: ReadonlyMap<string, LowRankLayer>) {
    this.#file = file;
    this.#network = network;
    this.#layers = layers;
  }

  get size(): number {
    return this.#layers.size;
  }

  /** The layer for our module `path`, whose weight has `shape`; null where the file leaves that module alone. */
  take(path: string, shape: readonly number[]): LowRankLayer | null {
    const module = lowRankSpellings(this.#network, path).find((name) => this.#layers.has(name));
    if (module === undefined) return null;
    const layer = this.#layers.get(module)!;
    const made = [layer.up.shape[0]!, ...layer.down.shape.slice(1)];
    if (made.length !== shape.length || made.some((dim, i) => dim !== shape[i])) {
      throw new AppError(
        "weights_mismatch",
        `${this.#file} was made for another base: its layer "${module}" changes a weight of [${made.join(", ")}], here it is [${shape.join(", ")}]; use it with the base it was trained on.`,
        { module, expected: shape, actual: made },
      );
    }
    this.#taken.add(module);
    return layer;
  }

  requireAllTaken(): void {
    const left = [...this.#layers.keys()].filter((module) => !this.#taken.has(module));
    if (left.length === 0) return;
    const others = left.length > 1 ? ` and ${left.length - 1} more` : "";
    throw new AppError(
      "weights_mismatch",
      `${this.#file} was made for another base: it changes "${left[0]}"${others}, which this model does not have; use it with the base it was trained on.`,
      { left: left.slice(0, 20) },
    );
  }
}

/** A low-rank file, by the networks it changes. */
export interface LowRankFile {
  readonly file: WeightsFile;
  readonly strength: number;
  readonly unet: LowRankLayers;
  readonly textEncoder: LowRankLayers;
}

/** Reads a low-rank file, its scales multiplied by `strength`. Anything but plain low-rank layers is refused by name. */
export async function readLowRankFile(path: string, strength: number): Promise<LowRankFile> {
  const source = await openFile(path);
  try {
    const { name } = source;
    const file: WeightsFile = { name, path: source.path, header: await readHeader(source) };
    const layers = await readLayers(file, source, strength);
    return {
      file,
      strength,
      unet: new LowRankLayers(name, "unet", layers.unet),
      textEncoder: new LowRankLayers(name, "textEncoder", layers.textEncoder),
    };
  } finally {
    await source.close();
  }
}

async function readLayers(
  file: WeightsFile,
  source: ByteSource,
  strength: number,
): Promise<Record<AdaptedNetwork, Map<string, LowRankLayer>>> {
  const { name } = file;
  const defaultAlpha = peftAlpha(file);
  const layers = { unet: new Map<string, LowRankLayer>(), textEncoder: new Map<string, LowRankLayer>() };
  for (const [module, { down, up, alpha }] of modulesOf(file)) {
    if (!down || !up)
      throw new AppError(
        "malformed_weights",
        `${name}: the layer "${module}" has only one of its two halves; save the file again from its trainer.`,
        { module },
      );
    const rank = down.shape[0] ?? 0;
    const paired =
      down.shape.length >= 2 &&
      rank > 0 &&
      up.shape.length === down.shape.length &&
      up.shape[1] === rank &&
      up.shape.slice(2).every((dim) => dim === 1);
    if (!paired) {
      throw new AppError(
        "malformed_weights",
        `${name}: the halves [${down.shape.join(", ")}] and [${up.shape.join(", ")}] of the layer "${module}" do not multiply; save the file again from its trainer.`,
        { module },
      );
    }
    const value = alpha ? await readAlpha(source, alpha) : (defaultAlpha ?? rank);
    const network = networkOf(module);
    if (!network)
      throw new AppError(
        "unsupported_model",
        `${name} changes "${module}", in a network that this family does not have; use it with the base it was trained on.`,
        { module },
      );
    layers[network].set(module, {
      down: { ...down, path: file.path },
      up: { ...up, path: file.path },
      scale: (strength * value) / rank,
    });
  }
  return layers;
}

async function readAlpha(source: ByteSource, entry: TensorEntry): Promise<number> {
  const value = sizeOf(entry.shape) === 1 ? (await readTensor(source, entry)).data[0]! : NaN;
  if (Number.isFinite(value)) return value;
  throw new AppError(
    "malformed_weights",
    `${source.name}: "${entry.name}" is not one finite number; save the file again from its trainer.`,
    { tensor: entry.name },
  );
}

function modulesOf({ name, header }: WeightsFile): Map<string, Partial<Record<Part, TensorEntry>>> {
  const modules = new Map<string, Partial<Record<Part, TensorEntry>>>();
  for (const entry of header.tensors.values()) {
    const found = lowRankPart(entry.name);
    if (!found)
      throw new AppError(
        "unsupported_model",
        `${name}: "${entry.name}" is not part of a plain low-rank layer (LoRA); DoRA, LoHa, LoKr and the like do not run here.`,
        { tensor: entry.name },
      );
    modules.set(found.module, { ...modules.get(found.module), [found.part]: entry });
  }
  if (modules.size === 0)
    throw new AppError("malformed_weights", `${name} holds no low-rank layers; give a LoRA file.`);
  return modules;
}

const adapterMetadata = z.record(z.string(), z.unknown());

/** diffusers notes PEFT's configuration in the header; without it alpha equals the rank, so that the scale is 1. */
function peftAlpha({ name, header }: WeightsFile): number | null {
  const text = header.metadata.get("lora_adapter_metadata");
  if (text === undefined) return null;
  const refuse = (what: string): never => {
    throw new AppError(
      "unsupported_model",
      `${name}: ${what} in its "lora_adapter_metadata" is not something we run; save it with one alpha for all layers.`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse("text that is not JSON");
  }
  const config = adapterMetadata.safeParse(json).data ?? refuse("something other than an object");
  for (const key of ["use_rslora", "use_dora", "alpha_pattern", "rank_pattern"]) {
    const value = config[`unet.${key}`];
    if (value === true || (typeof value === "object" && value !== null && Object.keys(value).length > 0))
      refuse(`"unet.${key}"`);
  }
  const alpha = config["unet.lora_alpha"];
  return typeof alpha === "number" ? alpha : null;
}

import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { isLdmModule, ldmModules, usualLayersPerBlock } from "./ldm-modules.ts";
import { type AdaptedNetwork, moduleForm } from "./names.ts";
import { type NetworkSettings, scaleOf } from "./settings.ts";
import type { FullChange, Magnitude, WeightChange } from "./weight-change.ts";

/** One layer of an adapter file: tensors that are known to belong together, and not yet to fit a base. */
export interface AdapterLayer {
  /** Network and module as the file spells them. */
  readonly shown: string;
  readonly lowRank: {
    readonly down: ExternalTensor;
    readonly up: ExternalTensor;
    readonly mid: ExternalTensor | null;
    readonly alpha: number | null;
    readonly magnitude: { readonly tensor: ExternalTensor; readonly rule: Magnitude["rule"] } | null;
  } | null;
  readonly difference: ExternalTensor | null;
  readonly biasDifference: ExternalTensor | null;
}

export interface AdapterLayersOptions {
  /** How messages name the file. */
  readonly file: string;
  readonly network: AdaptedNetwork;
  /** By module, in the form that modules are compared in. */
  readonly layers: ReadonlyMap<string, AdapterLayer>;
  readonly settings: NetworkSettings | null;
  readonly strength: number;
}

/** The layers of one adapter file that change one network. It remembers what was taken. */
export class AdapterLayers {
  readonly network: AdaptedNetwork;
  readonly #options: AdapterLayersOptions;
  readonly #layersPerBlock: readonly number[];
  readonly #taken: Set<string>;

  constructor(options: AdapterLayersOptions, layersPerBlock = usualLayersPerBlock, taken = new Set<string>()) {
    this.network = options.network;
    this.#options = options;
    this.#layersPerBlock = layersPerBlock;
    this.#taken = taken;
  }

  get size(): number {
    return this.#options.layers.size;
  }

  /**
   * The same layers for a UNet with so many residual layers in each level, finest first: LDM's block numbers depend on
   * it.
   */
  forLevels(layersPerBlock: readonly number[]): AdapterLayers {
    return new AdapterLayers(this.#options, layersPerBlock, this.#taken);
  }

  /**
   * What happens to the weight of our module `path`; null where the file leaves it alone. @throws weights_mismatch
   */
  take(path: string, shape: readonly number[]): WeightChange | null {
    const layer = this.#find(path);
    if (!layer || (layer.lowRank === null && layer.difference === null)) return null;
    const { strength, settings } = this.#options;
    if (layer.lowRank === null) {
      const difference = layer.difference!;
      this.#requireShape(layer, difference.shape, shape);
      return { kind: "full", difference, strength };
    }
    const { down, up, mid, alpha, magnitude } = layer.lowRank;
    this.#requireShape(layer, [up.shape[0]!, down.shape[1]!, ...(mid ?? down).shape.slice(2)], shape);
    const scale = scaleOf(settings, path, down.shape[0]!, alpha);
    return {
      kind: "low rank",
      down,
      up,
      mid,
      scale,
      strength,
      magnitude: magnitude && this.#magnitude(layer, magnitude, shape),
    };
  }

  /** What is added to the bias of our module `path`; null where the file leaves it alone. @throws weights_mismatch */
  takeBias(path: string, size: number): FullChange | null {
    const layer = this.#find(path);
    if (!layer?.biasDifference) return null;
    this.#requireShape(layer, layer.biasDifference.shape, [size]);
    return { kind: "full", difference: layer.biasDifference, strength: this.#options.strength };
  }

  /** What the file changes and the network, built by now, does not have, as the file spells it. */
  surplus(): string[] {
    return [...this.#options.layers].filter(([module]) => !this.#taken.has(module)).map(([, { shown }]) => shown);
  }

  /**
   * Once the network was built: refuses a file that was made for another one. Layers without a place are no proof of
   * that by themselves, and diffusers passes over them too: a text encoder may be built without its last layers. A
   * UNet that lacks a block is another UNet.
   */
  requireAllTaken(): void {
    const { layers, file } = this.#options;
    const left = [...layers].filter(([module]) => !this.#taken.has(module));
    if (left.length === 0) return;
    const isOther =
      this.#taken.size === 0 || left.some(([module]) => isLdmModule(module) || /^(down|up|mid)_blocks?_/.test(module));
    if (!isOther) return;
    const others = left.length > 1 ? ` and ${left.length - 1} more` : "";
    throw new AppError(
      "weights_mismatch",
      `${file} was made for another base: it changes "${left[0]![1].shown}"${others}, which this model's ` +
        `${networkWords[this.network]} does not have; use it with the base it was trained on.`,
      { left: left.slice(0, 20).map(([, { shown }]) => shown) },
    );
  }

  /** Of a layer that is there by diffusers' name and by LDM's, the former counts, as in diffusers. */
  #find(path: string): AdapterLayer | null {
    const spellings = [moduleForm(path), ...(this.network === "unet" ? ldmModules(path, this.#layersPerBlock) : [])];
    const modules = spellings.filter((name) => this.#options.layers.has(name));
    for (const module of modules) this.#taken.add(module);
    return modules.length === 0 ? null : this.#options.layers.get(modules[0]!)!;
  }

  /** A matrix may stand for a convolution of one pixel, and the reverse. */
  #requireShape({ shown }: AdapterLayer, made: readonly number[], wanted: readonly number[]): void {
    const [a, b] = [withoutPixel(made), withoutPixel(wanted)];
    if (a.length === b.length && a.every((dim, i) => dim === b[i])) return;
    throw new AppError(
      "weights_mismatch",
      `${this.#options.file} was made for another base: its layer "${shown}" changes a weight of [${made.join(", ")}], ` +
        `here it is [${wanted.join(", ")}]; use it with the base it was trained on.`,
      { module: shown, expected: wanted, actual: made },
    );
  }

  /**
   * Which lengths they are is told by where their numbers lie: [out, 1, …] or [1, in, …]; PEFT has those of outputs
   * only.
   */
  #magnitude(
    { shown }: AdapterLayer,
    { tensor, rule }: { tensor: ExternalTensor; rule: Magnitude["rule"] },
    [out, inputs]: readonly number[],
  ): Magnitude {
    const size = tensor.shape.reduce((product, dim) => product * dim, 1);
    const ofInputs =
      rule === "LyCORIS" && tensor.shape.length >= 2 && tensor.shape[0] === 1 && tensor.shape[1] === size;
    if (ofInputs && size === inputs) return { tensor, of: "inputs", rule };
    if (!(ofInputs && size > 1) && size === out) return { tensor, of: "outputs", rule };
    throw new AppError(
      "weights_mismatch",
      `${this.#options.file}: the magnitudes [${tensor.shape.join(", ")}] of its layer "${shown}" are not those of a ` +
        `weight of ${out} outputs and ${inputs} inputs; use it with the base it was trained on.`,
      { module: shown, expected: out, actual: tensor.shape },
    );
  }
}

export const networkWords: Readonly<Record<AdaptedNetwork, string>> = {
  unet: "UNet",
  textEncoder: "text encoder",
  textEncoder2: "second text encoder",
};

const withoutPixel = (shape: readonly number[]): readonly number[] =>
  shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape;

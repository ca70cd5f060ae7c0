import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { SafetensorsHeader } from "./safetensors.ts";
import { type Naming, sameNames, viewTensor } from "./tensor-view.ts";

/** A weights file whose header was read. */
export interface WeightsFile {
  /** How messages and recipes name it, whatever it is called where it lies. */
  readonly name: string;
  /** Absolute, with symbolic links resolved. */
  readonly path: string;
  readonly header: SafetensorsHeader;
}

/**
 * The tensors of one network under our names, whichever files they lie in. It remembers what was taken, so that a
 * network built from it can name every tensor that is missing and every one that is left over.
 */
export class WeightMap {
  readonly what: string;
  readonly #tensors = new Map<string, ExternalTensor>();
  readonly #optional = new Set<string>();
  readonly #taken = new Set<string>();

  /** `what` is how messages name the network, such as "unet/diffusion_pytorch_model.safetensors". */
  constructor(what: string, files: readonly WeightsFile[], naming: Naming = sameNames) {
    this.what = what;
    for (const { path, header } of files) {
      for (const entry of header.tensors.values()) {
        for (const view of naming(entry)) {
          const { name } = view;
          if (this.#tensors.has(name))
            throw new AppError(
              "malformed_weights",
              `${what} has two tensors for "${name}"; save the model again from its trainer.`,
              { name },
            );
          this.#tensors.set(name, { ...viewTensor(what, entry, view), path });
          if (view.optional) this.#optional.add(name);
        }
      }
    }
  }

  get entries(): [string, ExternalTensor][] {
    return [...this.#tensors];
  }

  get parameters(): number {
    return this.entries.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  }

  get bytes(): number {
    return this.entries.reduce((sum, [, { begin, end }]) => sum + end - begin, 0);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  find(name: string): ExternalTensor | null {
    return this.#tensors.get(name) ?? null;
  }

  /** The tensor of that name, which must be a float of that shape. */
  take(name: string, shape: readonly number[]): ExternalTensor {
    const tensor = this.#tensors.get(name);
    const shown = `[${shape.join(", ")}]`;
    if (!tensor) {
      throw new AppError(
        "weights_mismatch",
        `${this.what} lacks the tensor "${name}" ${shown}, which its config calls for; use the config and the weights of one model.`,
        { name, expected: shape },
      );
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, i) => dim !== shape[i])) {
      const actual = `[${tensor.shape.join(", ")}]`;
      throw new AppError(
        "weights_mismatch",
        `${this.what}: the tensor "${name}" is ${actual} where its config calls for ${shown}; use the config and the weights of one model.`,
        { name, expected: shape, actual: tensor.shape },
      );
    }
    if (!floats.has(tensor.dtype)) {
      throw new AppError(
        "unsupported_model",
        `${this.what}: the tensor "${name}" is stored as ${tensor.dtype}; save the model in F32, F16, BF16 or F8.`,
        { name, dtype: tensor.dtype },
      );
    }
    this.#taken.add(name);
    return tensor;
  }

  /** Once a network was built: refuses tensors that nothing asked for, since they mean that it is another one. */
  requireAllTaken(): void {
    const left = [...this.#tensors.keys()].filter((name) => !this.#taken.has(name) && !this.#optional.has(name));
    if (left.length === 0) return;
    const others = left.length > 1 ? ` and ${left.length - 1} more` : "";
    throw new AppError(
      "weights_mismatch",
      `${this.what} has a tensor "${left[0]}"${others} that its config has no place for; use the config and the weights of one model.`,
      { left: left.slice(0, 20) },
    );
  }
}

const floats = new Set(["F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2"]);

import { closeSync, openSync, readSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import { AppError } from "#lib/errors.ts";
import { concat, type FloatTensor, sizeOf, tensor } from "#lib/tensor/tensor.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readHeader, type SafetensorsHeader, type TensorEntry } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

/** States of some walks side by side: walk by walk, as many of each. */
export interface StatePiece {
  /** [walks · states, 3, C, H, W]: what the network reads, its prediction with the prompt and without. */
  readonly states: FloatTensor;
  /** [walks · states] */
  readonly timesteps: FloatTensor;
  /** [walks] */
  readonly guidanceScales: FloatTensor;
  /** A row for each walk. */
  readonly conditioning: Conditioning;
  /** What they took to draw. */
  readonly seconds: number;
}

/** Some states of the cache, from whichever pieces. */
export interface States {
  /** [B, C, H, W] */
  readonly latents: FloatTensor;
  readonly conditional: FloatTensor;
  readonly unconditional: FloatTensor;
  readonly timesteps: Float32Array;
  /** Of the walks that they are from. */
  readonly guidanceScales: Float32Array;
  readonly conditioning: Conditioning;
}

const conditions = ["text", "pooledText", "timeIds"] as const;

/** Pieces in a folder, each a safetensors file under its number. They stay on the disk: a state is read when its turn comes. */
export class StatePieces {
  readonly #folder: string;
  /** What everything in them was computed from, as one hash. */
  readonly #key: string;
  readonly #headers = new Map<number, SafetensorsHeader>();

  constructor(folder: string, key: string) {
    this.#folder = folder;
    this.#key = key;
  }

  #path = (piece: number): string => join(this.#folder, `${piece}.safetensors`);

  /** Whether it is there, whole and of this very key. */
  async has(piece: number): Promise<boolean> {
    const path = this.#path(piece);
    if (!(await stat(path).catch(() => null))) return false;
    const header = await headerOf(path).catch(() => null); // what was cut short is drawn again
    if (header?.metadata.get("key") !== this.#key) return false;
    this.#headers.set(piece, header);
    return true;
  }

  /** What a piece that is there took to draw. */
  async seconds(piece: number): Promise<number> {
    return Number((await this.#header(piece)).metadata.get("seconds"));
  }

  async write(piece: number, { states, timesteps, guidanceScales, conditioning, seconds }: StatePiece): Promise<void> {
    const tensors = new Map([
      ["states", states],
      ["timesteps", timesteps],
      ["guidance", guidanceScales],
      ...conditions.flatMap((name) => (conditioning[name] ? [[name, conditioning[name]] as const] : [])),
    ]);
    const metadata = new Map([
      ["key", this.#key],
      ["seconds", seconds.toFixed(2)],
    ]);
    await writeWhole(this.#path(piece), writeSafetensors(tensors, metadata));
    this.#headers.delete(piece);
  }

  /** @param places  of each, its piece and its number in it */
  async read(places: readonly { readonly piece: number; readonly state: number }[]): Promise<States> {
    const rows: Row[] = [];
    for (const { piece, state } of places) rows.push(this.#row(piece, state, await this.#header(piece)));
    const all = (of: (row: Row) => FloatTensor): FloatTensor => concat(rows.map(of));
    return {
      latents: all(({ latents }) => latents),
      conditional: all(({ conditional }) => conditional),
      unconditional: all(({ unconditional }) => unconditional),
      timesteps: Float32Array.from(rows, ({ timestep }) => timestep),
      guidanceScales: Float32Array.from(rows, ({ guidanceScale }) => guidanceScale),
      conditioning: {
        text: all(({ conditioning }) => conditioning.text),
        ...(rows[0]!.conditioning.pooledText && { pooledText: all(({ conditioning }) => conditioning.pooledText!) }),
        ...(rows[0]!.conditioning.timeIds && { timeIds: all(({ conditioning }) => conditioning.timeIds!) }),
      },
    };
  }

  async #header(piece: number): Promise<SafetensorsHeader> {
    if (!this.#headers.has(piece) && !(await this.has(piece)))
      throw new AppError(
        "conflict",
        `The base's states in ${this.#folder} are not those of this run any more (number ${piece}); go on with --resume, which draws them again.`,
      );
    return this.#headers.get(piece)!;
  }

  /** Read at once and not in turns: a batch is some hundred small reads, which mostly come from memory. */
  #row(piece: number, state: number, { tensors }: SafetensorsHeader): Row {
    const file = openSync(this.#path(piece), "r");
    try {
      const rowOf = (entry: TensorEntry, row: number): FloatTensor => readRow(file, entry, row);
      const entry = (name: string): TensorEntry => tensors.get(name)!;
      const walk = Math.floor((state * entry("guidance").shape[0]!) / entry("timesteps").shape[0]!);
      const { data, shape } = rowOf(entry("states"), state);
      const size = data.length / 3;
      const part = (i: number): FloatTensor => tensor(data.subarray(i * size, (i + 1) * size), [1, ...shape.slice(2)]);
      const known = conditions.filter((name) => tensors.has(name));
      return {
        latents: part(0),
        conditional: part(1),
        unconditional: part(2),
        timestep: rowOf(entry("timesteps"), state).data[0]!,
        guidanceScale: rowOf(entry("guidance"), walk).data[0]!,
        conditioning: Object.fromEntries(
          known.map((name) => [name, rowOf(entry(name), walk)]),
        ) as unknown as Conditioning,
      };
    } finally {
      closeSync(file);
    }
  }
}

interface Row {
  readonly latents: FloatTensor;
  readonly conditional: FloatTensor;
  readonly unconditional: FloatTensor;
  readonly timestep: number;
  readonly guidanceScale: number;
  readonly conditioning: Conditioning;
}

async function headerOf(path: string): Promise<SafetensorsHeader> {
  const source = await openFile(path);
  try {
    return await readHeader(source);
  } finally {
    await source.close();
  }
}

/** One row of a tensor in float32, as [1, …]. */
function readRow(file: number, { shape, begin }: TensorEntry, row: number): FloatTensor {
  const own = shape.slice(1);
  const bytes = new Uint8Array(4 * sizeOf(own));
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, begin + row * bytes.length + done);
    if (read === 0) throw new AppError("internal", "A piece of the base's states shrank while it was read.");
    done += read;
  }
  return tensor(new Float32Array(bytes.buffer), [1, ...own]);
}

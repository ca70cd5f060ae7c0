import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

/** Where what a model does by itself is kept. `key` names the model's weights. */
export interface PiecePlace {
  readonly folder: string;
  readonly key: string;
}

/** Part of it: some rows drawn one way, how an evaluator reads them, or single steps of some trajectories. */
export interface Piece {
  readonly tensors: ReadonlyMap<string, FloatTensor>;
  readonly numbers: readonly number[];
}

/** One gigabyte: a hundred first looks of the starter's size, six of SD 1.5's. */
const MAX_BYTES = 1e9;

/** How the files of a model's pieces begin, so that whoever keeps them elsewhere finds them. */
export const prefixOf = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 32);

/**
 * What a model does by itself is the same for all its guides, and for each measurement of one: each piece is a file by the hash of its
 * recipe, that is of everything that decides its numbers. So work that was lost goes on after its last piece, and what is read back is
 * the same to the last bit.
 */
export class Pieces {
  readonly #place: PiecePlace;
  readonly #circumstances: object;

  /** @param circumstances what decides all pieces beside the weights, such as the runtime */
  constructor(place: PiecePlace, circumstances: object) {
    this.#place = place;
    this.#circumstances = circumstances;
  }

  /** The piece of a recipe; null where there is none or it is broken. */
  async read(recipe: object): Promise<Piece | null> {
    const path = this.#pathOf(recipe);
    const piece = await readPiece(path).catch(() => null); // what cannot be read is made anew
    if (piece) await utimes(path, new Date(), new Date()).catch(() => {}); // removed meanwhile
    return piece;
  }

  /** Kept where there is room. A full disk costs the next measurement its time, not this one its result. */
  async write(recipe: object, { tensors, numbers }: Piece): Promise<void> {
    const { folder } = this.#place;
    await mkdir(folder, { recursive: true })
      .then(() =>
        writeWhole(this.#pathOf(recipe), writeSafetensors(tensors, new Map([["numbers", JSON.stringify(numbers)]]))),
      )
      .catch(() => {});
    await removeOldest(folder);
  }

  #pathOf(recipe: object): string {
    const { folder, key } = this.#place;
    const hash = createHash("sha256").update(JSON.stringify([key, this.#circumstances, recipe]));
    return join(folder, `${prefixOf(key)}-${hash.digest("hex")}.safetensors`);
  }
}

/** For a recipe, which names what is large by its hash. */
export const hashOf = ({ data, shape }: FloatTensor): string =>
  createHash("sha256")
    .update(`${shape.join()} `)
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

const metadata = z.object({ numbers: jsonString(z.array(z.number())) });

async function readPiece(path: string): Promise<Piece> {
  const source = await openFile(path);
  try {
    const header = await readHeader(source);
    const { numbers } = metadata.parse(Object.fromEntries(header.metadata));
    const tensors = new Map<string, FloatTensor>();
    for (const [name, entry] of header.tensors) tensors.set(name, await readTensor(source, entry));
    return { tensors, numbers };
  } finally {
    await source.close();
  }
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => ({ name, facts: await stat(join(folder, name)).catch(() => null) })),
  );
  let bytes = 0;
  for (const { name, facts } of files.toSorted((a, b) => (b.facts?.mtimeMs ?? 0) - (a.facts?.mtimeMs ?? 0))) {
    bytes += facts?.size ?? 0;
    if (bytes > MAX_BYTES) await rm(join(folder, name), { force: true });
  }
}

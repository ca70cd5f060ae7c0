import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContentHasher } from "#lib/catalog/blobs/hasher.ts";
import { PART_BYTES } from "#lib/catalog/uploads/schema.ts";
import { AppError } from "#lib/errors.ts";
import { DiskStore } from "#lib/storage/disk.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import type { StoredPart } from "#lib/storage/store.ts";
import { takeTurns } from "./interleave.ts";
import { SizedFile } from "./sized-file.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

/** How parts become an object whose hashes are known. The first is how it was once, and still is for parts that are sent twice. */
const ways = {
  beside: "each a file: copied together, then all read",
  inPlace: "written in their places, hashed as they come",
} as const;
type Way = keyof typeof ways;

interface Times {
  /** From the first byte to the last. */
  readonly sent: number;
  /** From then until the object is whole and its hashes are known. */
  readonly after: number;
}

export interface PartsResult {
  readonly size: number;
  readonly rounds: number;
  readonly seconds: Readonly<Record<Way, { readonly sent: Spread; readonly after: Spread; readonly all: Spread }>>;
  /** Beside ÷ in place, round by round. */
  readonly ratio: { readonly after: Spread; readonly all: Spread };
}

const PARALLEL = 4;

/** The same bytes to one disk store in both ways, in turn: what somebody waits for after the last byte. */
export async function benchParts(rounds: number, { size }: { readonly size: number }): Promise<PartsResult> {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-parts-"));
  try {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < 3 * size)
      throw new AppError(
        "disk_full",
        `This needs ${3 * size} bytes in ${folder}; make room, or give a smaller --size.`,
      );
    const store = new DiskStore({ folder, publicUrl: "http://localhost", secret: "of a bench, which signs nothing" });
    const file = new SizedFile(size);
    const times = await takeTurns(
      { beside: () => upload(store, file, "beside"), inPlace: () => upload(store, file, "inPlace") },
      rounds,
    );
    const all = ({ sent, after }: Times): number => sent + after;
    const ofWay = (way: Way) => ({
      sent: spreadOf(times[way].map(({ sent }) => sent)),
      after: spreadOf(times[way].map(({ after }) => after)),
      all: spreadOf(times[way].map(all)),
    });
    const ratio = (of: (one: Times) => number): Spread =>
      spreadOf(times.beside.map((one, round) => of(one) / of(times.inPlace[round]!)));
    return {
      size,
      rounds,
      seconds: { beside: ofWay("beside"), inPlace: ofWay("inPlace") },
      ratio: { after: ratio(({ after }) => after), all: ratio(all) },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function upload(store: DiskStore, file: SizedFile, way: Way): Promise<Times> {
  const key = newObjectKey();
  const storageId = await store.beginMultipart(key);
  const parts: StoredPart[] = [];
  const along = way === "inPlace" ? new Along(store, key, storageId, file.size) : null;
  const count = Math.ceil(file.size / PART_BYTES);
  let next = 1;
  const began = performance.now();
  const sendSome = async (): Promise<void> => {
    while (next <= count) {
      const number = next++;
      const begin = (number - 1) * PART_BYTES;
      const end = Math.min(file.size, begin + PART_BYTES);
      const offset = way === "inPlace" ? begin : undefined;
      const part = await store.receivePart(
        key,
        { storageId, number, size: end - begin, offset },
        bytesOf(file, begin, end),
      );
      parts[number - 1] = part;
      along?.came(part);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, sendSome));
  const sent = performance.now();
  const known = await along?.digest();
  await store.completeMultipart(key, storageId, parts);
  const sha256 = known ?? (await digestOf(store, key, file.size));
  const done = performance.now();
  if (sha256 !== file.sha256) throw new AppError("bytes_differ", `The hash is ${sha256}; it should be ${file.sha256}.`);
  await store.delete(key);
  return { sent: (sent - began) / 1000, after: (done - sent) / 1000 };
}

/** Reads parts in their order, as lib/catalog/uploads/read-along.ts does beside a database. */
class Along {
  readonly #store: DiskStore;
  readonly #key: string;
  readonly #storageId: string;
  readonly #hasher: ContentHasher;
  readonly #waiting = new Map<number, StoredPart>();
  #next = 1;
  #reading = Promise.resolve();

  constructor(store: DiskStore, key: string, storageId: string, size: number) {
    this.#store = store;
    this.#key = key;
    this.#storageId = storageId;
    this.#hasher = new ContentHasher(size);
  }

  came(part: StoredPart): void {
    this.#waiting.set(part.number, part);
    this.#reading = this.#reading.then(() => this.#read());
  }

  async digest(): Promise<string> {
    await this.#reading;
    return this.#hasher.digest().sha256;
  }

  async #read(): Promise<void> {
    for (let part = this.#waiting.get(this.#next); part; part = this.#waiting.get(++this.#next))
      for await (const bytes of this.#store.readPart(this.#key, this.#storageId, part)) this.#hasher.update(bytes);
  }
}

async function* bytesOf(file: SizedFile, begin: number, end: number): AsyncGenerator<Uint8Array> {
  yield* file.pieces(begin, end);
}

async function digestOf(store: DiskStore, key: string, size: number): Promise<string> {
  const hasher = new ContentHasher(size);
  for await (const bytes of await store.read(key)) hasher.update(bytes as Uint8Array);
  return hasher.digest().sha256;
}

export function showParts({ size, rounds, seconds, ratio }: PartsResult): string {
  const rows = (Object.keys(ways) as Way[]).map((way) => {
    const { sent, after, all } = seconds[way];
    return [ways[way], spread(sent, 2), spread(after, 2), spread(all, 2)];
  });
  return `${table([["seconds", "sending", "after the last byte", "all"], ...rows, ["ratio", "", spread(ratio.after, 1), spread(ratio.all, 2)]])}

${(size / 1e6).toFixed(0)} MB, ${rounds} rounds in turn, median (range).`;
}

import { createHash, randomBytes } from "node:crypto";

const HEADER_BYTES = 120;
const NOISE_BYTES = 2 ** 23 + 9; // prime, so that no two parts of an upload are alike

/** A sound safetensors file of any size that is never held whole: noise that repeats, other noise in each file. */
export class SizedFile {
  readonly size: number;
  readonly #header: Buffer;
  readonly #noise = randomBytes(NOISE_BYTES);

  constructor(size: number) {
    this.size = size;
    const bytes = size - 8 - HEADER_BYTES;
    this.#header = Buffer.alloc(8 + HEADER_BYTES);
    this.#header.writeBigUInt64LE(BigInt(HEADER_BYTES));
    this.#header.write(
      JSON.stringify({ w: { dtype: "U8", shape: [bytes], data_offsets: [0, bytes] } }).padEnd(HEADER_BYTES),
      8,
    );
  }

  get sha256(): string {
    const hash = createHash("sha256");
    for (const piece of this.pieces()) hash.update(piece);
    return hash.digest("hex");
  }

  /** The bytes from `begin` to `end`, in pieces of at most 1 MiB. */
  *pieces(begin = 0, end = this.size): Generator<Buffer> {
    for (let at = begin; at < end;) {
      const place = at - this.#header.length;
      const within = place % NOISE_BYTES;
      const piece = place < 0 ? this.#header.subarray(at) : this.#noise.subarray(within, within + 2 ** 20);
      const taken = piece.subarray(0, end - at);
      yield taken;
      at += taken.length;
    }
  }
}

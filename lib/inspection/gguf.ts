import { AppError } from "#lib/errors.ts";
import { familyNamed } from "#lib/families/claims.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { blank, type Inspection } from "./inspection.ts";

/**
 * Says what a GGUF file is of: it is named, and nothing here reads more of it. @throws malformed_weights where it is
 * none
 */
export async function inspectGguf(source: ByteSource): Promise<Inspection> {
  const architecture = await readArchitecture(source);
  const family = familyNamed(architecture ?? "")?.name ?? null;
  const what = architecture === null ? "a model that it does not name" : (family ?? `“${architecture}”`);
  return {
    ...blank,
    name: source.name,
    kind: "GGUF file",
    form: architecture,
    family,
    families: family === null ? [] : [family],
    whatRuns: `nothing; it is a GGUF file of ${what}, and those do not run here; get the model's .safetensors file`,
  };
}

/** Everything about a file stands at its beginning; `general.architecture` is by custom the first of it. */
const MAX_BYTES = 64 * 1024;
const MAX_NAME = 100;

/**
 *   "GGUF" · version u32 · tensors u64 · pairs u64 · then each pair: key, type u32, value
 *   a string is its length in bytes u64, then UTF-8     https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @returns null where the first pairs do not say
 */
async function readArchitecture(source: ByteSource): Promise<string | null> {
  const bytes = await source.read(0, Math.min(source.size, MAX_BYTES));
  if (new TextDecoder("latin1").decode(bytes.subarray(0, 4)) !== "GGUF")
    throw new AppError(
      "malformed_weights",
      `${source.name} is no GGUF file, whatever its name says; download it again.`,
    );
  const reader = new Reader(bytes);
  try {
    reader.skip(4 + 4 + 8);
    for (let pairs = reader.size(); pairs > 0; pairs--) {
      const key = reader.text();
      const type = reader.type();
      if (key === "general.architecture" && type === STRING) return reader.text().slice(0, MAX_NAME);
      reader.skipValue(type);
    }
  } catch (failure) {
    if (!(failure instanceof RangeError)) throw failure; // what was read ends here
  }
  return null;
}

const STRING = 8;
const ARRAY = 9;
/** In bytes, by the number of the type: u8 i8 u16 i16 u32 i32 f32 bool, then u64 i64 f64. */
const widths: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** Every read beyond the bytes that are there is a RangeError, so nothing is allocated for what a file claims. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  skip(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw new RangeError("beyond what was read");
    this.#at += bytes;
  }

  type(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  size(): number {
    const value = this.#view.getBigUint64(this.#at, true);
    this.#at += 8;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("beyond what any file holds");
    return Number(value);
  }

  text(): string {
    const length = this.size();
    const begin = this.#at;
    this.skip(length);
    return new TextDecoder().decode(this.#bytes.subarray(begin, this.#at));
  }

  skipValue(type: number): void {
    if (type === STRING) this.text();
    else if (type === ARRAY) this.#skipArray();
    else this.skip(this.#widthOf(type));
  }

  #skipArray(): void {
    const [of, count] = [this.type(), this.size()];
    if (of === STRING) for (let i = 0; i < count; i++) this.text();
    else this.skip(count * this.#widthOf(of));
  }

  #widthOf(type: number): number {
    const width = widths[type];
    if (width === undefined) throw new RangeError("a type that is not known");
    return width;
  }
}

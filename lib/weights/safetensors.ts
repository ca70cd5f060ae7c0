import { AppError } from "#lib/errors.ts";
import { bitsOf, type Dtype } from "#lib/tensor/dtype.ts";
import type { ByteSource } from "./byte-source.ts";
import { type Refuse, remedies } from "./safetensors-defects.ts";
import { type DeclaredTensor, parseHeader } from "./safetensors-json.ts";

/** Where a tensor lies: `begin` and `end` count bytes from the start of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Where the data section begins, in bytes from the start of the file. */
  readonly dataBegin: number;
}

/** A tensor takes some 115 bytes of it, so there is room for 100,000 with their metadata. */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;

/**
 * Reads and checks the header of a safetensors file (https://huggingface.co/docs/safetensors#format). It is stricter than the
 * reference library: what passes here reads the same there. Nothing is allocated on the word of the file. A file with a fault is
 * refused with `malformed_weights`, and `detail.defect` is a `Defect`.
 */
export async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const refuse: Refuse = (defect, what, detail = {}, remedy = remedies[defect]) => {
    throw new AppError("malformed_weights", `${source.name}: ${what}; ${remedy}.`, { defect, ...detail });
  };
  const dataBegin = 8 + (await readHeaderLength(source, refuse));
  const { metadata, tensors } = parseHeader(decode(await source.read(8, dataBegin), refuse), refuse);
  for (const [name, declared] of tensors) requireSize(name, declared, refuse);
  requireTiling(tensors, source.size - dataBegin, refuse);
  const place = ([name, { dtype, shape, begin, end }]: [string, DeclaredTensor]): [string, TensorEntry] => [
    name,
    { name, dtype, shape, begin: dataBegin + begin, end: dataBegin + end },
  ];
  return { metadata, tensors: new Map(Array.from(tensors, place)), dataBegin };
}

async function readHeaderLength(source: ByteSource, refuse: Refuse): Promise<number> {
  const { size } = source;
  if (size < 8) return refuse("too_short", `it has ${size} bytes, too few for a safetensors file`, { size });
  const first = await source.read(0, 8);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    refuseOtherFormats(first, refuse);
    const detail = { claimed: String(length), max: MAX_HEADER_BYTES };
    const claim = `it claims a header of ${length} bytes`;
    if (length > size - 8)
      return refuse(
        "header_too_long",
        `${claim} and has ${size} in all, so it is broken or of another format`,
        detail,
        "give a .safetensors file",
      );
    return refuse("header_too_long", `${claim}, and at most ${MAX_HEADER_BYTES} are read`, detail);
  }
  if (length < 2)
    return refuse("too_short", `it claims a header of ${length} bytes, and the shortest has 2`, {
      claimed: Number(length),
    });
  const there = size - 8;
  if (length > there)
    return refuse("truncated", `its header should have ${length} bytes, and only ${there} are there`, {
      expected: Number(length),
      actual: there,
    });
  return Number(length);
}

const giveWeights = "give the model's .safetensors file";
const opensAPickle = "save the model with safetensors.torch.save_file, and know that opening a pickle can run code";

/** What else may be found under the name, by how its first 8 bytes begin. Read as a length they are all beyond the limit. */
const otherFormats = [
  { format: "zip", begins: ["PK"], what: "a ZIP archive, which is how PyTorch keeps pickles", remedy: opensAPickle },
  {
    format: "pickle",
    begins: ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"],
    what: "a Python pickle",
    remedy: opensAPickle,
  },
  { format: "gguf", begins: ["GGUF"], what: "a GGUF file", remedy: giveWeights },
  { format: "lfs_pointer", begins: ["version "], what: "a Git LFS pointer", remedy: "run git lfs pull" },
  {
    format: "picture",
    begins: ["\x89PNG", "\xff\xd8\xff", "GIF8", "RIFF"],
    what: "a picture or a recording",
    remedy: giveWeights,
  },
  { format: "hdf5", begins: ["\x89HDF"], what: "an HDF5 file, as Keras writes them", remedy: giveWeights },
  {
    format: "archive",
    begins: ["7z\xbc\xaf", "Rar!", "\x1f\x8b"],
    what: "an archive",
    remedy: "unpack it, and give the .safetensors file in it",
  },
  {
    format: "html",
    begins: ["<!", "<html", "<HTML", "<head", "<?xml"],
    what: "a web page",
    remedy: "download the file itself, signed in if it asks for that",
  },
  { format: "elf", begins: ["\x7fELF"], what: "a program", remedy: "get the file from its publisher" },
] as const;

function refuseOtherFormats(first: Uint8Array, refuse: Refuse): void {
  const text = String.fromCharCode(...first).trimStart();
  const other = otherFormats.find(({ begins }) => begins.some((start) => text.startsWith(start)));
  if (other) refuse("other_format", `it is ${other.what}, not safetensors`, { format: other.format }, other.remedy);
}

function decode(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse("not_utf8", "its header is not valid UTF-8");
  }
}

function requireSize(name: string, { dtype, shape, begin, end }: DeclaredTensor, refuse: Refuse): void {
  if (end < begin)
    refuse("bad_offsets", `the tensor ${JSON.stringify(name)} ends at ${end}, before it begins at ${begin}`, {
      name,
      begin,
      end,
    });
  // Dimensions of 0 are left out, so that they cannot hide a product too large to be exact.
  let bits: number = bitsOf[dtype];
  for (const dim of shape) if (dim !== 0) bits *= dim;
  let bytes = bits / 8;
  const what = (): string => `the tensor ${JSON.stringify(name)} is ${dtype} [${shape.join(", ")}]`;
  if (!Number.isSafeInteger(Math.ceil(bytes)))
    refuse("too_many_elements", `${what()}, which no file can hold`, { name, dtype, shape });
  if (shape.includes(0)) bytes = 0;
  if (!Number.isInteger(bytes)) refuse("part_of_a_byte", `${what()}, which ends within a byte`, { name, dtype, shape });
  const actual = end - begin;
  if (bytes !== actual) {
    refuse("wrong_size", `${what()}, which takes ${bytes} bytes, and it has ${actual}`, {
      name,
      dtype,
      shape,
      expected: bytes,
      actual,
    });
  }
}

/** The tensors must fill the data section end to end, so that no byte has two meanings or none. */
function requireTiling(tensors: ReadonlyMap<string, DeclaredTensor>, dataLength: number, refuse: Refuse): void {
  let filled = 0;
  for (const [name, { begin, end }] of [...tensors].toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    const what = (): string => `the tensor ${JSON.stringify(name)} begins at byte ${begin} of the data`;
    if (begin < filled)
      refuse("overlap", `${what()}, inside the one before it, which ends at ${filled}`, { name, begin, filled });
    if (begin > filled)
      refuse("hole", `${what()}, and nothing fills the ${begin - filled} bytes before it`, { name, begin, filled });
    filled = end;
  }
  const detail = { expected: filled, actual: dataLength };
  if (filled > dataLength)
    refuse("truncated", `its tensors take ${filled} bytes, and only ${dataLength} are there`, detail);
  if (filled < dataLength) refuse("trailing_bytes", `${dataLength - filled} bytes follow its last tensor`, detail);
}

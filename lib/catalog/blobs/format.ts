// oxlint-disable no-control-regex -- formats begin with bytes that are no letters
import { AppError } from "#lib/errors.ts";

/** What the hub stores. A text is UTF-8, whatever it is written in. */
export type Format = "safetensors" | "png" | "jpeg" | "webp" | "text";

/** How much of a content's beginning tells its format. */
export const HEAD_BYTES = 1024;

/**
 * The format of a content, by how it begins and never by its name. “text” is what is nothing else: whether it is one, all its
 * bytes say.
 *
 * @param head  its first HEAD_BYTES, or all there are
 * @throws unsupported_model with what it is and what to do instead, for what the hub does not store
 */
export function formatOf(head: Uint8Array, size: number, name: string): Format {
  const text = Buffer.from(head).toString("latin1"); // one character for each byte
  const known = stored.find(([, pattern]) => pattern.test(text))?.[0];
  if (known) return known;
  if (beginsSafetensors(head, size)) return "safetensors";
  const other = refused.find(({ begins }) => begins.test(text));
  if (other)
    throw new AppError("unsupported_model", `${name} is ${other.what}; ${other.remedy}.`, { format: other.format });
  return "text";
}

/** @throws unsupported_model */
export function refuseBinary(name: string): never {
  throw new AppError(
    "unsupported_model",
    `${name} is neither safetensors, nor UTF-8 text, nor a PNG, JPEG or WebP picture, and the hub stores nothing else; leave it out, or convert it.`,
    { format: "unknown" },
  );
}

const stored: readonly (readonly [Format, RegExp])[] = [
  ["png", /^\x89PNG\r\n\x1a\n/],
  ["jpeg", /^\xff\xd8\xff/],
  ["webp", /^RIFF[^]{4}WEBP/],
];

/** A length that fits, and the brace that every header begins with. No text does: it would need a NUL. */
function beginsSafetensors(head: Uint8Array, size: number): boolean {
  return head.byteLength > 8 && head[8] === 0x7b && Buffer.from(head).readBigUInt64LE() <= BigInt(size - 8);
}

const convert = "convert it with safetensors.torch.save_file, and upload that";
const unpack = "unpack it, and upload its files";
const noPrograms = "the hub keeps models with their settings, texts and pictures; leave it out";
const pickle = { format: "pickle", what: "a Python pickle, and opening one can run code", remedy: convert } as const;

/** The first that fits counts. */
const refused: readonly {
  readonly format: string;
  readonly begins: RegExp;
  readonly what: string;
  readonly remedy: string;
}[] = [
  {
    format: "torch",
    begins: /^PK\x03\x04[^]{26}[^\0]{0,200}?(?:data\.pkl|\.data\/|byteorder)/,
    what: "a PyTorch checkpoint, and opening its pickles can run code",
    remedy: convert,
  },
  {
    format: "npz",
    begins: /^PK\x03\x04[^]{26}[^\0]{0,200}?\.npy/,
    what: "an archive of NumPy arrays",
    remedy: "save them with safetensors.numpy.save_file, and upload that",
  },
  { format: "zip", begins: /^PK(?:\x03\x04|\x05\x06)/, what: "a ZIP archive", remedy: unpack },
  { ...pickle, begins: /^\x80[\x01-\x05]/ },
  // Protocol 0 is lines of text; these are how containers and what runs code begin in it.
  {
    ...pickle,
    begins:
      /^(?:\((?:[dlt]p?\d*\n|i\w+\n\w+\n)|c(?:os|posix|nt|subprocess|builtins|__builtin__|copy_reg|copyreg|collections|torch[\w.]*|numpy[\w.]*)\n\w+\n)/,
  },
  {
    format: "numpy",
    begins: /^\x93NUMPY/,
    what: "a NumPy array",
    remedy: "save it with safetensors.numpy.save_file, and upload that",
  },
  {
    format: "gguf",
    begins: /^(?:GGUF[\x01-\x09]\0|lmgg|tjgg|fmgg)/,
    what: "a GGUF file",
    remedy: "upload the model's .safetensors file",
  },
  {
    format: "hdf5",
    begins: /^\x89HDF\r\n\x1a\n/,
    what: "an HDF5 file, as Keras writes them",
    remedy: "convert its weights to safetensors, and upload those",
  },
  {
    format: "onnx",
    begins: /^\x08[\x01-\x20](?:\x12[\x01-\x40][\x20-\x7e]|[\x1a\x22\x2a\x32\x3a\x42])/,
    what: "an ONNX graph",
    remedy: "upload the weights as safetensors; the hub builds graphs by itself",
  },
  { format: "7z", begins: /^7z\xbc\xaf\x27\x1c/, what: "a 7-Zip archive", remedy: unpack },
  { format: "gzip", begins: /^\x1f\x8b/, what: "a gzip archive", remedy: unpack },
  { format: "xz", begins: /^\xfd7zXZ\0/, what: "an xz archive", remedy: unpack },
  { format: "bzip2", begins: /^BZh[1-9]1AY&SY/, what: "a bzip2 archive", remedy: unpack },
  { format: "zstd", begins: /^\x28\xb5\x2f\xfd/, what: "a Zstandard archive", remedy: unpack },
  { format: "rar", begins: /^Rar!\x1a\x07/, what: "a RAR archive", remedy: unpack },
  { format: "tar", begins: /^[^]{257}ustar/, what: "a tar archive", remedy: unpack },
  { format: "elf", begins: /^\x7fELF/, what: "a program for Linux", remedy: noPrograms },
  { format: "pe", begins: /^MZ[^]*?\0/, what: "a program for Windows", remedy: noPrograms },
  {
    format: "mach-o",
    begins: /^(?:\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe)/,
    what: "a program for macOS",
    remedy: noPrograms,
  },
  {
    format: "html",
    begins: /^(?:\xef\xbb\xbf)?\s*(?:<!--[^]*?-->\s*)?<(?:!doctype\s+html|html|head|body|script)\b/i,
    what: "a web page",
    remedy: "download the file itself, signed in if it asks for that, and upload it",
  },
  {
    format: "lfs_pointer",
    begins: /^version https:\/\/git-lfs\.github\.com\/spec\//,
    what: "a Git LFS pointer",
    remedy: "run git lfs pull, and upload the file itself",
  },
];

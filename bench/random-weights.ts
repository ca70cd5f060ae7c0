import { type FileHandle, mkdir, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "#lib/errors.ts";
import { f32ToF16 } from "#lib/tensor/half.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { progress } from "./progress.ts";

export type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Makes a safetensors file of random float16 tensors, unless it is there with this very header and length. It is written a
 * tensor at a time, since the whole would not fit into the memory of a small machine, and appears under its name when done.
 */
export async function writeRandomWeights(
  path: string,
  shapes: Shapes,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const { header, size } = layOut(
    shapes,
    new Map([...metadata, ["values", "random, no two tensors alike, made by npm run bench"]]),
  );
  if (await beginsWith(path, header, size)) return;

  await mkdir(dirname(path), { recursive: true });
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < size + SPARE) {
    const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
    throw new AppError(
      "bad_request",
      `Random weights need ${gigabytes(size)} GB in ${dirname(path)}, where ${gigabytes(bavail * bsize)} GB are free; make room, or run with --model starter.`,
      { size },
    );
  }
  progress(`writing ${path}`);
  await writeWhole(path, (file) => fill(file, header, shapes));
  progress("");
}

const SPARE = 2 ** 28; // left free for everybody else

export function layOut(shapes: Shapes, metadata: ReadonlyMap<string, string>): { header: Buffer; size: number } {
  let end = 0;
  const entries = Array.from(shapes, ([name, shape]) => [
    name,
    { dtype: "F16", shape, data_offsets: [end, (end += 2 * sizeOf(shape))] },
  ]);
  const json = JSON.stringify(Object.fromEntries([["__metadata__", Object.fromEntries(metadata)], ...entries]));
  const text = Buffer.from(json + " ".repeat(-Buffer.byteLength(json) & 7)); // the data begin at a multiple of 8, as the reference library has them
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const header = Buffer.concat([length, text]);
  return { header, size: header.length + end };
}

async function beginsWith(path: string, header: Buffer, size: number): Promise<boolean> {
  const source = await openFile(path).catch(() => null);
  if (!source) return false;
  try {
    return source.size === size && header.equals(await source.read(0, header.length));
  } finally {
    await source.close();
  }
}

async function fill(file: FileHandle, header: Buffer, shapes: Shapes): Promise<void> {
  await file.writeFile(header);
  let index = 0;
  for (const [name, shape] of shapes) await file.writeFile(randomTensor(name, shape, index++));
}

// One block of noise, repeated: what weights hold does not matter as long as activations stay finite. Its length is prime, so
// that no two rows of a matrix are alike, and each tensor begins elsewhere in it: the runtime keeps what it packs of equal
// tensors once (2.6 instead of 3.5 GB on SD 1.5's size), which no trained model gains from.
const random = mulberry32(15);
const noise = Float32Array.from({ length: 65_537 }, () => 2 * random() - 1);

/** Norms scale by about 1; the rest keeps the variance of what it multiplies within a factor of three. */
function randomTensor(name: string, shape: readonly number[], index: number): Uint8Array {
  const isScale = shape.length === 1 && name.endsWith(".weight"); // a norm's, whatever its authors called it
  const spread = shape.length >= 2 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.02;
  const start = (index * 7919) % noise.length;
  const turned = Float32Array.from(noise, (_value, i) => noise[(start + i) % noise.length]!);
  const block = f32ToF16(turned.map((value) => spread * value + (isScale ? 1 : 0)));
  const values = new Uint16Array(sizeOf(shape));
  for (let begin = 0; begin < values.length; begin += block.length)
    values.set(block.subarray(0, values.length - begin), begin);
  return new Uint8Array(values.buffer);
}

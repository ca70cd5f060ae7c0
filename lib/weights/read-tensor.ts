import { AppError } from "#lib/errors.ts";
import { bitsOf, type Dtype } from "#lib/tensor/dtype.ts";
import { f8ToF32, float8E4M3, float8E5M2 } from "#lib/tensor/float8.ts";
import { bf16ToF32, f16ToF32 } from "#lib/tensor/half.ts";
import { type FloatTensor, sizeOf, type Tensor, tensor } from "#lib/tensor/tensor.ts";
import type { ByteSource } from "./byte-source.ts";
import type { TensorEntry } from "./safetensors.ts";

/** A tensor of F32, F16, BF16, F64 or 8-bit floats, as float32; others are refused with `unsupported_model`. */
export async function readTensor(source: ByteSource, entry: TensorEntry): Promise<FloatTensor> {
  return tensor(await readValues(source, entry, 0, sizeOf(entry.shape)), entry.shape);
}

/** Like `readTensor`, but only the elements begin … end − 1, counted in row-major order. */
export async function readValues(
  source: ByteSource,
  entry: TensorEntry,
  begin: number,
  end: number,
): Promise<Float32Array> {
  const decode = floats[entry.dtype];
  if (!decode) throw unsupported(source, entry, "F32, F16 or BF16");
  return decode(await readElements(source, entry, begin, end));
}

/** A tensor of I32 or I64. A value that does not fit into 32 bits is refused with `malformed_weights`. */
export async function readIntegers(source: ByteSource, entry: TensorEntry): Promise<Tensor<Int32Array>> {
  if (entry.dtype !== "I32" && entry.dtype !== "I64") throw unsupported(source, entry, "I32 or I64");
  const buffer = await readElements(source, entry, 0, sizeOf(entry.shape));
  if (entry.dtype === "I32") return tensor(new Int32Array(buffer), entry.shape);
  const wide = new BigInt64Array(buffer);
  const outside = wide.find((value) => value !== BigInt.asIntN(32, value));
  if (outside === undefined) return tensor(Int32Array.from(wide, Number), entry.shape);
  throw new AppError(
    "malformed_weights",
    `${source.name}: the tensor "${entry.name}" holds ${outside}, which does not fit into 32 bits; check what it should hold.`,
    {
      tensor: entry.name,
      value: String(outside),
    },
  );
}

const floats: Partial<Record<Dtype, (buffer: ArrayBufferLike) => Float32Array>> = {
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => f16ToF32(new Uint16Array(buffer)),
  BF16: (buffer) => bf16ToF32(new Uint16Array(buffer)),
  F64: (buffer) => new Float32Array(new Float64Array(buffer)),
  F8_E4M3: (buffer) => f8ToF32(new Uint8Array(buffer), float8E4M3),
  F8_E5M2: (buffer) => f8ToF32(new Uint8Array(buffer), float8E5M2),
};

/** Whether `readTensor` reads tensors of that type. */
export const isFloat = (dtype: Dtype): boolean => Object.hasOwn(floats, dtype);

/** The bytes of some elements, in a buffer that begins with them: in a file they may lie at any offset, typed arrays need aligned ones. */
async function readElements(
  source: ByteSource,
  entry: TensorEntry,
  begin: number,
  end: number,
): Promise<ArrayBufferLike> {
  const size = sizeOf(entry.shape);
  if (!(begin >= 0 && begin <= end && end <= size))
    throw new RangeError(`"${entry.name}": the elements ${begin} to ${end} are not among its ${size}`);
  const width = bitsOf[entry.dtype] / 8;
  const bytes = await source.read(entry.begin + begin * width, entry.begin + end * width);
  return bytes.length === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
}

const unsupported = (source: ByteSource, { name, dtype }: TensorEntry, wanted: string): AppError =>
  new AppError(
    "unsupported_model",
    `${source.name}: the tensor "${name}" is stored as ${dtype}; save it in ${wanted}.`,
    { tensor: name, dtype },
  );

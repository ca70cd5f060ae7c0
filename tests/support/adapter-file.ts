import { writeFile } from "node:fs/promises";
import { f32ToF16 } from "#lib/tensor/half.ts";
import { float8E4M3, float8E5M2 } from "#lib/tensor/float8.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { entry, pack } from "./safetensors-corpus.ts";

/** Numbers in double precision, as a reference computes with them. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Reproducible numbers of about unit size that every float type holds exactly: multiples of 1/8 from −7/8 to 7/8. */
export function numbers(seed: number, ...shape: number[]): Numbers {
  let state = seed * 2_654_435_761 + 1;
  const data = Float64Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state >>> 24) % 15) / 8 - 0.875;
  });
  return { shape, data };
}

export const scalar = (value: number): Numbers => ({ shape: [], data: Float64Array.of(value) });

export type StoredAs = "F32" | "F16" | "BF16" | "F64" | "F8_E4M3" | "F8_E5M2" | "I8";

/** Writes tensors in one type, under any names and metadata. */
export async function writeTensors(
  path: string,
  tensors: Readonly<Record<string, Numbers>>,
  { dtype = "F32", metadata = {} }: { dtype?: StoredAs; metadata?: Record<string, string> } = {},
): Promise<string> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const bytes = encode(data, dtype);
    header[name] = entry(dtype, shape, end, end + bytes.length);
    parts.push(bytes);
    end += bytes.length;
  }
  await writeFile(path, pack(header, new Uint8Array(Buffer.concat(parts))));
  return path;
}

function encode(data: Float64Array, dtype: StoredAs): Uint8Array {
  const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, 0, array.byteLength);
  const singles = new Float32Array(data);
  switch (dtype) {
    case "F32":
      return bytesOf(singles);
    case "F64":
      return bytesOf(new Float64Array(data));
    case "F16":
      return bytesOf(f32ToF16(singles));
    case "BF16":
      return bytesOf(Uint16Array.from(new Uint32Array(singles.buffer), (word) => word >>> 16));
    case "I8":
      return bytesOf(Int8Array.from(data));
    case "F8_E4M3":
      return nearest(data, float8E4M3);
    case "F8_E5M2":
      return nearest(data, float8E5M2);
  }
}

/** The byte whose value is nearest. */
const nearest = (data: Float64Array, table: Float32Array): Uint8Array =>
  Uint8Array.from(data, (value) => {
    let [best, distance] = [0, Infinity];
    table.forEach((one, byte) => {
      if (Math.abs(one - value) < distance) [best, distance] = [byte, Math.abs(one - value)];
    });
    return best;
  });

import { sizeOf } from "#lib/tensor/tensor.ts";
import type { ByteSource } from "./byte-source.ts";
import { isFloat, readValues } from "./read-tensor.ts";
import type { SafetensorsHeader } from "./safetensors.ts";

const CHUNK = 2 ** 20;

/** The name of the first tensor that holds NaN or infinity. Reads the whole file. */
export async function nonFiniteTensor(source: ByteSource, { tensors }: SafetensorsHeader): Promise<string | null> {
  for (const entry of tensors.values()) {
    if (!isFloat(entry.dtype)) continue;
    const size = sizeOf(entry.shape);
    for (let begin = 0; begin < size; begin += CHUNK) {
      const values = await readValues(source, entry, begin, Math.min(size, begin + CHUNK));
      if (!values.every(Number.isFinite)) return entry.name;
    }
  }
  return null;
}

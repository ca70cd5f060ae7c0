/** IEEE 754 binary16 to float32, exactly. Node's own array is as fast as a table of all 65,536 values, and needs none. */
export const f16ToF32 = (bits: Uint16Array): Float32Array =>
  new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));

/** float32 to the nearest IEEE 754 binary16, ties to even; from 65,520 on the nearest is infinity. */
export const f32ToF16 = (values: Float32Array): Uint16Array => new Uint16Array(new Float16Array(values).buffer);

/** bfloat16 is the upper half of a float32, so this is exact. */
export function bf16ToF32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** float32 to the nearest bfloat16, ties to even; NaN stays NaN. */
export function f32ToBf16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(new Float32Array(values).buffer);
  return Uint16Array.from(words, (word, i) => {
    if (Number.isNaN(values[i]!)) return (word >>> 16) | 0x40;
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
}

/**
 * Eight bits as a float of one sign bit, `exponentBits` and the rest fraction; `special` says which patterns are no
 * number.
 */
function decodeByte(byte: number, exponentBits: number, special: "as IEEE 754" | "all ones are NaN"): number {
  const fractionBits = 7 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = byte >= 0x80 ? -1 : 1;
  const exponent = (byte & 0x7f) >> fractionBits;
  const fraction = byte & (2 ** fractionBits - 1);
  if (exponent === 2 ** exponentBits - 1) {
    if (special === "all ones are NaN") {
      if (fraction === 2 ** fractionBits - 1) return NaN;
    } else return fraction === 0 ? sign * Infinity : NaN;
  }
  const significand = exponent === 0 ? fraction : fraction + 2 ** fractionBits;
  return sign * significand * 2 ** (Math.max(exponent, 1) - bias - fractionBits);
}

const tableOf = (exponentBits: number, special: Parameters<typeof decodeByte>[2]): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => decodeByte(byte, exponentBits, special));

/**
 * E4M3 without infinities, up to ±448 (Micikevicius et al. 2022, arXiv 2209.05433, table 1). Every value is a float32
 * exactly.
 */
export const float8E4M3: Float32Array = tableOf(4, "all ones are NaN");

/** E5M2, which is the upper half of an IEEE 754 binary16 (the same table). */
export const float8E5M2: Float32Array = tableOf(5, "as IEEE 754");

export function f8ToF32(bytes: Uint8Array, table: Float32Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = table[bytes[i]!]!;
  return values;
}

import { expect, test } from "vitest";
import { bf16ToF32, f16ToF32, f32ToF16 } from "#lib/tensor/half.ts";

const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** (−1)ˢ · 2^(e − bias) · (1 + m / 2^p), and 2^(1 − bias) · m / 2^p where e = 0: IEEE 754-2019, 3.4. */
function valueOf(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >>> 15 ? -1 : 1;
  const top = 2 ** exponentBits - 1;
  const exponent = (bits >>> fractionBits) & top;
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
  const bias = (top - 1) / 2;
  if (exponent === top) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? 2 ** (1 - bias) * fraction : 2 ** (exponent - bias) * (1 + fraction));
}

/** Indices at which the numbers are not the same, zeros of either sign told apart. */
const differences = (actual: ArrayLike<number>, expected: ArrayLike<number>): number[] =>
  Array.from(all.keys()).filter((i) => i < expected.length && !Object.is(actual[i], expected[i]));

test("all 65,536 half floats have the value of the formula", () => {
  expect(
    differences(
      f16ToF32(all),
      Array.from(all, (bits) => valueOf(bits, 5, 10)),
    ),
  ).toEqual([]);
});

test("all 65,536 bfloats have the value of the formula", () => {
  expect(
    differences(
      bf16ToF32(all),
      Array.from(all, (bits) => valueOf(bits, 8, 7)),
    ),
  ).toEqual([]);
});

test("every half float survives the way to float32 and back", () => {
  const back = f32ToF16(f16ToF32(all));
  expect(Array.from(all).filter((bits) => back[bits] !== bits && !Number.isNaN(valueOf(bits, 5, 10)))).toEqual([]);
  expect(
    Array.from(all).filter((bits) => Number.isNaN(valueOf(bits, 5, 10)) !== Number.isNaN(valueOf(back[bits]!, 5, 10))),
  ).toEqual([]);
});

test.for([
  ["positive", 0],
  ["negative", 0x8000],
] as const)(
  "between two neighbours, %s values go to the nearer one, and from the middle to the even one",
  ([, sign]) => {
    const lower = Array.from({ length: 0x7c00 }, (_, bits) => bits | sign);
    // Above the largest half, 65,504, the next would be 65,536, and infinity stands for it.
    const value = (bits: number): number =>
      bits === (0x7c00 | sign) ? valueOf(sign, 5, 10) + (sign ? -65536 : 65536) : valueOf(bits, 5, 10);
    const middles = Float32Array.from(lower, (bits) => (value(bits) + value(bits + 1)) / 2);
    const beside = (step: number): Float32Array =>
      new Float32Array(new Int32Array(middles.buffer).map((bits) => bits + step).buffer);
    expect(
      differences(
        f32ToF16(middles),
        lower.map((bits) => bits + (bits & 1)),
      ),
    ).toEqual([]);
    expect(differences(f32ToF16(beside(-1)), lower)).toEqual([]);
    expect(
      differences(
        f32ToF16(beside(1)),
        lower.map((bits) => bits + 1),
      ),
    ).toEqual([]);
  },
);

test("overflow is infinite, underflow keeps its sign", () => {
  expect([...f32ToF16(Float32Array.of(65519, 65520, -1e38, Infinity, 2 ** -25, -(2 ** -26)))]).toEqual([
    0x7bff, 0x7c00, 0xfc00, 0x7c00, 0, 0x8000,
  ]);
});

test("a view is converted, not the buffer it lies in", () => {
  const view = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0).subarray(1, 3);
  expect([...f16ToF32(view)]).toEqual([2, 3]);
  expect([...bf16ToF32(Uint16Array.of(0, 0x3f80, 0x4000, 0).subarray(1, 3))]).toEqual([1, 2]);
});

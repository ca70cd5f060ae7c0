import { expect, test } from "vitest";
import { f8ToF32, float8E4M3, float8E5M2 } from "#lib/tensor/float8.ts";
import { f16ToF32 } from "#lib/tensor/half.ts";

test("E4M3 has the values of table 1 of arXiv 2209.05433", () => {
  const bytes = Uint8Array.of(0x00, 0x80, 0x01, 0x07, 0x08, 0x38, 0xb9, 0x7e, 0xfe, 0x7f, 0xff);
  const values = [0, -0, 2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, -1.125, 448, -448, NaN, NaN];
  expect([...f8ToF32(bytes, float8E4M3)]).toEqual(values);
});

test("E5M2 is the upper half of a binary16, for every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const halves = f16ToF32(Uint16Array.from(bytes, (byte) => byte << 8));
  expect([...f8ToF32(bytes, float8E5M2)]).toEqual([...halves]);
});

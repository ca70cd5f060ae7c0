import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { tensor } from "#lib/tensor/tensor.ts";
import { memorySource } from "#lib/weights/byte-source.ts";
import { tensorsSha256 } from "#lib/weights/tensors-sha256.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

const values = new Map([["a", tensor(Float32Array.from([1, -2, 0.5]), [3])]]);
const hashOf = (bytes: Uint8Array) => tensorsSha256(memorySource(bytes, "ink.safetensors"));

test("the sha256 is that of the tensors, whatever the metadata", async () => {
  // 1, −2 and 0.5 as float32, little end first
  const data = Buffer.from("0000803f000000c00000003f", "hex");
  const expected = createHash("sha256").update(data).digest("hex");
  expect(await hashOf(writeSafetensors(values))).toBe(expected);
  expect(await hashOf(writeSafetensors(values, new Map([["ss_tag", "x".repeat(1000)]])))).toBe(expected);
});

test("it is read in pieces", async () => {
  const data = new Uint8Array(9 * 2 ** 20 + 5).map((_, i) => i);
  const file = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}"), data]);
  let largest = 0;
  const whole = memorySource(file, "large");
  const counted = {
    ...whole,
    read: (begin: number, end: number) => {
      largest = Math.max(largest, end - begin);
      return whole.read(begin, end);
    },
  };
  expect(await tensorsSha256(counted)).toBe(createHash("sha256").update(data).digest("hex"));
  expect(largest).toBe(4 * 2 ** 20);
});

test.each([[[]], [[1, 2, 3]], [[9, 0, 0, 0, 0, 0, 0, 0, 123, 125]], [Array.from({ length: 16 }, () => 255)]])(
  "the bytes %j are no whole file",
  async (bytes) => {
    await expect(hashOf(Uint8Array.from(bytes))).rejects.toMatchObject({ code: "malformed_weights" });
  },
);

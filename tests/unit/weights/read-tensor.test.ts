import { expect, test } from "vitest";
import { type ByteSource, memorySource } from "#lib/weights/byte-source.ts";
import { readIntegers, readTensor, readValues } from "#lib/weights/read-tensor.ts";
import { readHeader, type TensorEntry } from "#lib/weights/safetensors.ts";
import { entry, pack } from "../../support/safetensors-corpus.ts";

/** A file with one tensor `w`, whose data begins at an odd offset. */
async function fileOf(dtype: string, shape: readonly number[], data: Uint8Array): Promise<[ByteSource, TensorEntry]> {
  const json = JSON.stringify({ w: entry(dtype, shape, 0, data.length) });
  const source = memorySource(pack(json + " ".repeat(1 - (json.length % 2)), data), "w.safetensors");
  const found = (await readHeader(source)).tensors.get("w")!;
  expect(found.begin % 2).toBe(1);
  return [source, found];
}

const bytesOf = (values: ArrayBufferView): Uint8Array => new Uint8Array(values.buffer);

test.for([
  [
    "F32",
    Float32Array.of(1, -0, 0.1, 1e-45, Infinity, 3.4e38),
    [1, -0, Math.fround(0.1), 2 ** -149, Infinity, Math.fround(3.4e38)],
  ],
  ["F64", Float64Array.of(1, -0, 0.1, 1e-320, 1e300, 2 ** 24 + 1), [1, -0, Math.fround(0.1), 0, Infinity, 2 ** 24]],
  ["F16", Uint16Array.of(0x3c00, 0x8000, 0x0001, 0x7bff, 0x7c00, 0xc000), [1, -0, 2 ** -24, 65504, Infinity, -2]],
  [
    "BF16",
    Uint16Array.of(0x3f80, 0x8000, 0x0001, 0x7f7f, 0xff80, 0x4049),
    [1, -0, 2 ** -133, (2 - 2 ** -7) * 2 ** 127, -Infinity, 3.140625],
  ],
] as const)("%s is decoded to float32 at any offset", async ([dtype, stored, values]) => {
  const [source, w] = await fileOf(dtype, [2, 3], bytesOf(stored));
  expect(await readTensor(source, w)).toEqual({ shape: [2, 3], data: Float32Array.from(values) });
  expect([...(await readValues(source, w, 2, 5))]).toEqual(values.slice(2, 5));
  expect([...(await readValues(source, w, 6, 6))]).toEqual([]);
});

test("bytes that arrive inside a larger buffer are decoded alone", async () => {
  const [source, w] = await fileOf("F32", [2], bytesOf(Float32Array.of(1, 2)));
  const pooled: ByteSource = {
    ...source,
    read: async (begin, end) =>
      Buffer.concat([Buffer.of(9), await source.read(begin, end), Buffer.of(9)]).subarray(1, -1),
  };
  expect(await readTensor(pooled, w)).toEqual(await readTensor(source, w));
});

test("elements outside the tensor are refused", async () => {
  const [source, w] = await fileOf("F16", [4], new Uint8Array(8));
  for (const [begin, end] of [
    [-1, 2],
    [0, 5],
    [3, 2],
  ] as const)
    await expect(readValues(source, w, begin, end)).rejects.toThrow(RangeError);
});

test("scalars and empty tensors keep their shape", async () => {
  expect(await readTensor(...(await fileOf("F32", [], bytesOf(Float32Array.of(8)))))).toEqual({
    shape: [],
    data: Float32Array.of(8),
  });
  expect(await readTensor(...(await fileOf("F16", [0, 7], new Uint8Array(0))))).toEqual({
    shape: [0, 7],
    data: new Float32Array(0),
  });
});

test("I32 and I64 are read as integers", async () => {
  const values = [0, -1, 2 ** 31 - 1, -(2 ** 31)];
  expect(await readIntegers(...(await fileOf("I32", [4], bytesOf(Int32Array.from(values)))))).toEqual({
    shape: [4],
    data: Int32Array.from(values),
  });
  expect(await readIntegers(...(await fileOf("I64", [2, 2], bytesOf(BigInt64Array.from(values.map(BigInt))))))).toEqual(
    { shape: [2, 2], data: Int32Array.from(values) },
  );
});

test.for([2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n])("an I64 of %s is refused", async (value) => {
  const file = await fileOf("I64", [2], bytesOf(BigInt64Array.of(0n, value)));
  await expect(readIntegers(...file)).rejects.toMatchObject({
    code: "malformed_weights",
    detail: { tensor: "w", value: String(value) },
  });
});

test("dtypes that are not floats, or not integers, are refused by name", async () => {
  for (const dtype of ["I8", "U8", "BOOL", "F8_E8M0", "F8_E4M3FNUZ"]) {
    const file = await fileOf(dtype, [1], new Uint8Array(1));
    for (const reading of [readTensor(...file), readIntegers(...file)])
      await expect(reading).rejects.toMatchObject({ code: "unsupported_model", detail: { tensor: "w", dtype } });
  }
  await expect(readTensor(...(await fileOf("I32", [1], new Uint8Array(4))))).rejects.toThrow(
    /"w" is stored as I32; save it in F32, F16 or BF16/,
  );
  await expect(readIntegers(...(await fileOf("F32", [1], new Uint8Array(4))))).rejects.toThrow(
    /"w" is stored as F32; save it in I32 or I64/,
  );
});

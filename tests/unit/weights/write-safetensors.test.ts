import { expect, test } from "vitest";
import { type Tensor, tensor } from "#lib/tensor/tensor.ts";
import { memorySource } from "#lib/weights/byte-source.ts";
import { readIntegers, readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";

const tensors = new Map<string, Tensor<Float32Array | Int32Array>>([
  ["b", tensor(Float32Array.of(1.5, -2), [2])],
  ["10", tensor(Int32Array.of(7, -7, 9), [3, 1])],
  ["9", tensor(Float32Array.of(), [0, 4])],
  ['ä "\\ \u{1f5fc}', tensor(Float32Array.of(0.25), [])],
]);
const metadata = new Map([
  ["w_ref", "5.0"],
  ["2", '{"a":\t"é\n"}'],
]);

test("the layout is that of the format, sorted by name", () => {
  const two = new Map<string, Tensor<Float32Array | Int32Array>>([
    ["b", tensor(Float32Array.of(1), [1])],
    ["10", tensor(Int32Array.of(2), [1])],
  ]);
  const file = Buffer.from(writeSafetensors(two, new Map([["k", "v"]])));
  const header =
    '{"__metadata__":{"k":"v"},"10":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
  const length = Math.ceil(header.length / 8) * 8;
  expect(file.readBigUInt64LE()).toBe(BigInt(length));
  expect(file.toString("utf8", 8, 8 + length)).toBe(header.padEnd(length, " "));
  expect([file.readInt32LE(8 + length), file.readFloatLE(12 + length), file.length]).toEqual([2, 1, length + 16]);
});

test("what is written reads back", async () => {
  const source = memorySource(writeSafetensors(tensors, metadata), "copy");
  const header = await readHeader(source);
  expect(header.dataBegin % 8).toBe(0);
  expect(header.metadata).toEqual(metadata);
  expect([...header.tensors.keys()]).toEqual(["10", "9", "b", 'ä "\\ \u{1f5fc}']);
  for (const entry of header.tensors.values()) {
    const read = entry.dtype === "F32" ? readTensor : readIntegers;
    expect(await read(source, entry)).toEqual(tensors.get(entry.name));
  }
});

test("the same contents in another order give the same bytes", () => {
  const reversed = writeSafetensors(new Map([...tensors].toReversed()), new Map([...metadata].toReversed()));
  expect(Buffer.compare(reversed, writeSafetensors(tensors, metadata))).toBe(0);
});

test("a view into a larger array is written alone", async () => {
  const source = memorySource(
    writeSafetensors(new Map([["w", tensor(Float32Array.of(1, 2, 3, 4).subarray(1, 3), [2])]])),
    "copy",
  );
  expect((await readTensor(source, (await readHeader(source)).tensors.get("w")!)).data).toEqual(Float32Array.of(2, 3));
});

test("no tensors make the smallest file", () => {
  expect(Buffer.from(writeSafetensors(new Map())).toString("latin1")).toBe("\x08\0\0\0\0\0\0\0{}      ");
});

test.for(["", "__proto__", "__metadata__", "a\nb", "\ud800", "w".repeat(1025)])(
  "a tensor cannot be written as %j",
  (name) => {
    expect(() => writeSafetensors(new Map([[name, tensor(Float32Array.of(1), [1])]]))).toThrow(RangeError);
  },
);

test("metadata that could not be read is not written", () => {
  expect(() => writeSafetensors(new Map(), new Map([["a", "\0"]]))).toThrow(RangeError);
  const much = new Map(Array.from({ length: 5 }, (_, i) => [`${i}`, "x".repeat(4 * 2 ** 20)]));
  expect(() => writeSafetensors(new Map(), much)).toThrow(/its header would have 209\d+ bytes/);
});

import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AppError } from "#lib/errors.ts";
import { bitsOf, type Dtype } from "#lib/tensor/dtype.ts";
import { f32ToF16 } from "#lib/tensor/half.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { type ByteSource, memorySource, openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { MAX_HEADER_BYTES, readHeader, type SafetensorsHeader } from "#lib/weights/safetensors.ts";
import { remedies } from "#lib/weights/safetensors-defects.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { corpus, entry, pack } from "../../support/safetensors-corpus.ts";

const NAME = "odd.safetensors";

const read = (bytes: Uint8Array): Promise<SafetensorsHeader> => readHeader(memorySource(bytes, NAME));

const refusal = async (bytes: Uint8Array): Promise<AppError> => {
  const failure: unknown = await read(bytes).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(failure).toBeInstanceOf(AppError);
  return failure as AppError;
};

describe("of the corpus", () => {
  test.for(corpus.filter(({ defect }) => defect === null))("$id is read: $what", async ({ build }) => {
    const bytes = build();
    expectSameAsJson(await read(bytes), bytes);
  });

  test.for(corpus.filter(({ defect }) => defect !== null))(
    "$id is refused as $defect: $what",
    async ({ defect, build }) => {
      const failure = await refusal(build());
      expect(failure.code).toBe("malformed_weights");
      expect(failure.detail).toMatchObject({ defect });
      expect(failure.message).toMatch(/^odd\.safetensors: .{10,300}; .{10,100}\.$/);
    },
  );

  test("every defect has its file", () => {
    expect(new Set(corpus.flatMap(({ defect }) => defect ?? []))).toEqual(new Set(Object.keys(remedies)));
  });
});

test.for(Object.getOwnPropertyNames(Object.prototype))(
  "neither a tensor nor a metadata key may be named %s",
  async (name) => {
    const members = [
      `{${JSON.stringify(name)}:${JSON.stringify(entry("U8", [0], 0, 0))}}`,
      `{"__metadata__":{${JSON.stringify(name)}:""}}`,
    ];
    for (const header of members)
      expect((await refusal(pack(header))).detail).toMatchObject({ defect: "reserved_name" });
  },
);

test.for([
  [
    "F01",
    "odd.safetensors: it is a Python pickle, not safetensors; save the model with safetensors.torch.save_file, and know that opening a pickle can run code.",
  ],
  ["X18", "odd.safetensors: its tensors take 8 bytes, and only 7 are there; download it again."],
  [
    "O02",
    'odd.safetensors: the tensor "b" begins at byte 12 of the data, and nothing fills the 4 bytes before it; save it again with the safetensors library.',
  ],
  [
    "H11",
    'odd.safetensors: its header has "}" at character 54 where a name should be; save it again with the safetensors library.',
  ],
] as const)("the message for %s names the fault and the way out", async ([id, message]) => {
  expect((await refusal(corpus.find((file) => file.id === id)!.build())).message).toBe(message);
});

test("a header 200,000 deep is left at its second bracket", async () => {
  const bytes = corpus.find(({ id }) => id === "H10")!.build();
  const header = Buffer.from(bytes.subarray(8)).toString();
  expect((await refusal(bytes)).detail).toMatchObject({ at: header.indexOf("[[") + 1 });
});

test.for([
  ["a claim of 2^40 bytes in a file of 2^41", 2n ** 40n, 2 ** 41],
  ["a claim one byte above the limit", BigInt(MAX_HEADER_BYTES) + 1n, 2 ** 41],
  ["a claim within the limit, in a file too short for it", BigInt(MAX_HEADER_BYTES), 1000],
] as const)("%s is refused after 8 bytes", async ([, claim, size]) => {
  const reads: [number, number][] = [];
  const source: ByteSource = {
    name: NAME,
    size,
    read: async (begin, end) => {
      reads.push([begin, end]);
      const first = Buffer.alloc(8);
      first.writeBigUInt64LE(claim);
      return first;
    },
  };
  await expect(readHeader(source)).rejects.toMatchObject({ code: "malformed_weights" });
  expect(reads).toEqual([[0, 8]]);
});

test("2,000 mutations of a sound file are read as JSON reads them, or refused by name", async () => {
  const shapes: Record<string, unknown> = { __metadata__: { format: "pt", "note \u{1f5fc}": "a\tb" } };
  let end = 0;
  for (const [i, dtype] of (Object.keys(bitsOf) as Dtype[]).entries()) {
    const begin = end;
    end += (bitsOf[dtype] / 8) * i * 4;
    shapes[`block.${i}.${dtype}`] = entry(dtype, [i, 4], begin, end);
  }
  const sound = pack(shapes, end);
  const headerEnd = sound.length - end;
  const random = integers(7);
  const verdicts = { read: 0, refused: 0 };
  for (let i = 0; i < 2000; i++) {
    const mutant = mutate(sound, headerEnd, i, random);
    try {
      expectSameAsJson(await read(mutant), mutant);
      verdicts.read++;
    } catch (failure) {
      if (!(failure instanceof AppError)) throw failure;
      expect(failure.code).toBe("malformed_weights");
      expect(Object.keys(remedies)).toContain(failure.detail["defect"]);
      verdicts.refused++;
    }
  }
  expect(verdicts.read).toBeGreaterThan(100);
  expect(verdicts.refused).toBeGreaterThan(1000);
});

const root = join(import.meta.dirname, "../../..");

test.for(globSync("starter/**/*.safetensors", { cwd: root }))(
  "%s reads, and written again holds the same tensors",
  async (path) => {
    const source = await openFile(join(root, path));
    try {
      const header = await readHeader(source);
      const tensors = new Map<string, FloatTensor>();
      for (const found of header.tensors.values()) {
        const decoded = await readTensor(source, found);
        const stored = found.dtype === "F16" ? f32ToF16(decoded.data) : decoded.data;
        expect(["F16", "F32"]).toContain(found.dtype);
        expect(Buffer.compare(new Uint8Array(stored.buffer), await source.read(found.begin, found.end))).toBe(0);
        tensors.set(found.name, decoded);
      }
      const copy = memorySource(writeSafetensors(tensors, header.metadata), "copy");
      const again = await readHeader(copy);
      expect(again.metadata).toEqual(header.metadata);
      expect([...again.tensors.keys()]).toEqual([...tensors.keys()].toSorted());
      for (const found of again.tensors.values()) {
        const { shape, data } = tensors.get(found.name)!;
        expect(found.shape).toEqual(shape);
        expect(Buffer.compare(await copy.read(found.begin, found.end), new Uint8Array(data.buffer))).toBe(0);
      }
    } finally {
      await source.close();
    }
  },
);

/** What was read must be what any JSON parser reads, and must use every byte of the data once. */
function expectSameAsJson(header: SafetensorsHeader, bytes: Uint8Array): void {
  const { __metadata__: metadata = {}, ...declared } = JSON.parse(
    Buffer.from(bytes.subarray(8, header.dataBegin)).toString(),
  ) as Record<string, object>;
  const shown = Array.from(header.tensors.values(), ({ name, dtype, shape, begin, end }) => [
    name,
    { dtype, shape, data_offsets: [begin - header.dataBegin, end - header.dataBegin] },
  ]);
  expect(Object.fromEntries(header.metadata)).toEqual(metadata);
  expect(Object.fromEntries(shown)).toEqual(declared);
  const used = [...header.tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  expect(header.dataBegin + used).toBe(bytes.length);
}

/** Changes, removes or inserts some bytes, mostly of the header; two kinds of seven then set its length right. */
function mutate(sound: Uint8Array, headerEnd: number, kind: number, random: (below: number) => number): Uint8Array {
  const bytes = Buffer.from(sound);
  const at = 8 + random(headerEnd - 8);
  const syntax = Buffer.from('{}[]":,\\ 0123456789-.eE');
  switch (kind % 7) {
    case 0:
      bytes[at] = random(256);
      return bytes;
    case 1:
      bytes[at]! ^= 1 << random(8);
      return bytes;
    case 2:
      bytes[at] = syntax[random(syntax.length)]!;
      return bytes;
    case 3:
      return bytes.subarray(0, random(bytes.length));
    case 4:
      bytes[random(8)] = random(256);
      return bytes;
    case 5:
      return pack(
        Buffer.concat([bytes.subarray(8, at), syntax.subarray(random(8)), bytes.subarray(at, headerEnd)]),
        bytes.subarray(headerEnd),
      );
    default:
      return pack(
        Buffer.concat([bytes.subarray(8, at), bytes.subarray(at + random(4), headerEnd)]),
        bytes.subarray(headerEnd),
      );
  }
}

/** A small generator of integers 0 … below − 1 (xorshift32, Marsaglia 2003). */
function integers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

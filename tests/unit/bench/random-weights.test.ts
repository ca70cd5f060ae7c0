import { stat, truncate, utimes } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { type Shapes, writeRandomWeights } from "../../../bench/random-weights.ts";
import { temporaryFolder } from "../../support/cli.ts";

const shapes: Shapes = new Map([
  ["down.norm1.weight", [24]],
  ["down.norm1.bias", [24]],
  ["down.conv.weight", [320, 64, 3, 3]],
  ["down.linear.weight", [512, 256]],
]);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function read(path: string) {
  const source = await openFile(path);
  try {
    const header = await readHeader(source);
    const tensors = new Map<string, Float32Array>();
    for (const entry of header.tensors.values()) tensors.set(entry.name, (await readTensor(source, entry)).data);
    return { header, tensors };
  } finally {
    await source.close();
  }
}

describe("a file of random weights", () => {
  test("is a safetensors file that our strict reader takes, its data at a multiple of eight", async () => {
    const path = folder.path("new/weights.safetensors");
    await writeRandomWeights(path, shapes, new Map([["format", "guide/1"]]));
    const { header } = await read(path);
    expect([...header.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(
      [...shapes].map(([name, shape]) => [name, "F16", shape]),
    );
    expect(header.metadata.get("format")).toBe("guide/1");
    expect(header.dataBegin % 8).toBe(0);
  });

  test("holds finite values: norms near one, matrices and kernels of variance one third over their inputs, no two rows alike", async () => {
    const path = folder.path("values.safetensors");
    await writeRandomWeights(path, shapes);
    const { tensors } = await read(path);
    for (const values of tensors.values()) expect(values.every(Number.isFinite)).toBe(true);
    for (const value of tensors.get("down.norm1.weight")!) expect(value).toBeCloseTo(1, 1);
    for (const [name, inputs] of [
      ["down.conv.weight", 64 * 9],
      ["down.linear.weight", 256],
    ] as const) {
      const values = tensors.get(name)!;
      const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
      expect(variance * inputs).toBeCloseTo(1 / 3, 1); // uniform on [−1, 1]
      const rows = new Set(
        Array.from({ length: values.length / inputs }, (_, row) =>
          values.subarray(row * inputs, (row + 1) * inputs).join(),
        ),
      );
      expect(rows.size).toBe(values.length / inputs);
    }
  });

  test("is kept while its header and length are those asked for, and made again otherwise", async () => {
    const path = folder.path("kept.safetensors");
    const long = new Date(0);
    const isKept = async (asked: Shapes): Promise<boolean> => {
      await utimes(path, long, long);
      await writeRandomWeights(path, asked);
      return (await stat(path)).mtimeMs === 0;
    };
    await writeRandomWeights(path, shapes);
    expect(await isKept(shapes)).toBe(true);
    const swapped: Shapes = new Map([...shapes, ["down.linear.weight", [256, 512]]]); // the same length
    expect(await isKept(swapped)).toBe(false);
    await truncate(path, 1000);
    expect(await isKept(swapped)).toBe(false);
    expect((await read(path)).header.tensors.get("down.linear.weight")!.shape).toEqual([256, 512]);
  });

  test("that no disk has room for is refused in one sentence before anything is written", async () => {
    const path = folder.path("huge.safetensors");
    await expect(writeRandomWeights(path, new Map([["w", [2 ** 25, 2 ** 25]]]))).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringMatching(
        /^Random weights need 2251799\.8 GB in .*; make room, or run with --model starter\.$/,
      ),
    });
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

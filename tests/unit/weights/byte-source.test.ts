import { mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { memorySource, openFile } from "#lib/weights/byte-source.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "byte-source-")));
const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
const path = join(folder, "a.bin");
writeFileSync(path, bytes);

afterAll(() => rmSync(folder, { recursive: true }));

const sources = {
  file: () => openFile(path),
  memory: async () => ({ ...memorySource(bytes, "a.bin"), close: async () => undefined }),
};

test.for(Object.entries(sources))("a %s is read in ranges, and only within its size", async ([, open]) => {
  const source = await open();
  expect(source).toMatchObject({ name: "a.bin", size: 100 });
  expect([...(await source.read(10, 13))]).toEqual([10, 11, 12]);
  expect(await source.read(100, 100)).toHaveLength(0);
  expect(await source.read(0, 100)).toEqual(bytes);
  for (const [begin, end] of [
    [-1, 2],
    [5, 4],
    [0, 101],
    [101, 101],
    [0.5, 2],
    [0, Number.NaN],
  ] as const) {
    await expect(source.read(begin, end)).rejects.toMatchObject({
      code: "malformed_weights",
      detail: { begin, end, size: 100 },
    });
  }
  await source.close();
});

test("bytes read from memory are a copy", async () => {
  const source = memorySource(bytes, "a.bin");
  (await source.read(0, 1))[0] = 99;
  expect([...(await source.read(0, 1))]).toEqual([0]);
});

test("a file that shrinks while it is read is refused", async () => {
  const shrinking = join(folder, "shrinking.bin");
  writeFileSync(shrinking, bytes);
  const source = await openFile(shrinking, "unet/a.bin");
  truncateSync(shrinking, 40);
  expect(await source.read(30, 40)).toEqual(bytes.subarray(30, 40));
  await expect(source.read(30, 50)).rejects.toMatchObject({
    code: "malformed_weights",
    message: expect.stringMatching(/^unet\/a\.bin shrank from 100 to 40 bytes/),
    detail: { expected: 100, actual: 40 },
  });
  await source.close();
});

test.skipIf(process.platform === "win32")("a symbolic link opens what it points to", async () => {
  const link = join(folder, "link.safetensors");
  symlinkSync(path, link);
  const source = await openFile(link);
  expect(source).toMatchObject({ name: "link.safetensors", path });
  await source.close();
});

test("a path that leads nowhere, or through a file, is named", async () => {
  for (const missing of [join(folder, "none.bin"), join(path, "none.bin")]) {
    await expect(openFile(missing)).rejects.toMatchObject({
      code: "file_not_found",
      message: expect.stringContaining(missing),
    });
  }
});

test("a folder, a device and a path with NUL are refused", async () => {
  const others = [folder, `${path}\0`, ...(process.platform === "win32" ? [] : ["/dev/null"])];
  for (const other of others) await expect(openFile(other)).rejects.toMatchObject({ code: "bad_request" });
});

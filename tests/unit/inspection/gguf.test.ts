import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { temporaryFolder } from "../../support/cli.ts";

const STRING = 8;
const ARRAY = 9;
const UINT32 = 4;

const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];
const u64 = (value: bigint): number[] => [...new Uint8Array(BigUint64Array.of(value).buffer)];
const text = (value: string): number[] => [...u64(BigInt(value.length)), ...new TextEncoder().encode(value)];
const gguf = (pairs: bigint, ...rest: number[][]): Uint8Array =>
  Uint8Array.from([...new TextEncoder().encode("GGUF"), ...u32(3), ...u64(100n), ...u64(pairs), ...rest.flat()]);
const architecture = (name: string): number[] => [...text("general.architecture"), ...u32(STRING), ...text(name)];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => void (folder = await temporaryFolder()));
afterEach(() => folder.remove());

async function inspect(bytes: Uint8Array, name = "model.gguf") {
  await writeFile(folder.path(name), bytes);
  return inspectPath(folder.path(name));
}

test.each([
  ["flux", "Flux.1"],
  ["sd1", "SD 1.x"],
  ["sdxl", "SDXL"],
  ["sd3", "SD 3"],
  ["wan", "Wan"],
  ["hyvid", "HunyuanVideo"],
  ["qwen_image", "Qwen-Image"],
  ["aura", "AuraFlow"],
])("a GGUF file of architecture %s is named, and not run", async (name, family) => {
  expect(await inspect(gguf(1n, architecture(name)))).toMatchObject({
    kind: "GGUF file",
    form: name,
    family,
    families: [family],
    runs: false,
    whatRuns: `nothing; it is a GGUF file of ${family}, and those do not run here; get the model's .safetensors file`,
  });
});

test("its architecture is found behind other pairs, and one that nobody knows is given as it stands", async () => {
  const before = [
    [...text("general.quantization_version"), ...u32(UINT32), ...u32(2)],
    [...text("general.tags"), ...u32(ARRAY), ...u32(STRING), ...u64(2n), ...text("a"), ...text("b")],
    [...text("numbers"), ...u32(ARRAY), ...u32(UINT32), ...u64(3n), ...u32(1), ...u32(2), ...u32(3)],
  ];
  expect(await inspect(gguf(4n, ...before, architecture("llama")))).toMatchObject({
    form: "llama",
    family: null,
    whatRuns: expect.stringContaining("a GGUF file of “llama”"),
  });
});

describe("nothing is believed that a file claims", () => {
  test.each([
    ["no pairs", gguf(0n)],
    ["pairs that are not there", gguf(2n ** 63n)],
    ["a name beyond its end", gguf(1n, u64(2n ** 40n))],
    ["an array beyond its end", gguf(1n, [...text("x"), ...u32(ARRAY), ...u32(UINT32), ...u64(2n ** 50n)])],
    ["strings beyond its end", gguf(1n, [...text("x"), ...u32(ARRAY), ...u32(STRING), ...u64(2n ** 50n)])],
    ["an array of arrays", gguf(1n, [...text("x"), ...u32(ARRAY), ...u32(ARRAY), ...u64(5n)])],
    ["a type that is not known", gguf(1n, [...text("x"), ...u32(77)])],
    ["an architecture that is a number", gguf(1n, [...text("general.architecture"), ...u32(UINT32), ...u32(1)])],
    ["only the magic", new TextEncoder().encode("GGUF")],
  ])("%s", async (_what, bytes) => {
    expect(await inspect(bytes)).toMatchObject({ kind: "GGUF file", form: null, family: null, runs: false });
  });

  test("a file of another kind under the name is refused", async () => {
    await expect(inspect(Uint8Array.from({ length: 64 }))).rejects.toMatchObject({ code: "malformed_weights" });
  });

  test("under the name of safetensors it is refused as before", async () => {
    await expect(inspect(gguf(1n, architecture("flux")), "model.safetensors")).rejects.toThrow("a GGUF file");
  });
});

test("a folder around one is that file", async () => {
  await writeFile(folder.path("model.gguf"), gguf(1n, architecture("flux")));
  expect(await inspectPath(folder.path("."))).toMatchObject({ kind: "GGUF file", family: "Flux.1" });
});

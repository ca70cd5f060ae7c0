import { link, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseScheduleConfig } from "#lib/diffusion/schedule-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { AppError } from "#lib/errors.ts";
import { parseJson } from "#lib/util/parse-json.ts";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { temporaryFolder } from "../../support/cli.ts";

// What a stranger's configs claim: each ends as one true sentence, and nothing grows with the claim.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => void (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const refusalOf = async (work: () => unknown): Promise<AppError> => {
  try {
    await work();
  } catch (failure) {
    expect(failure).toBeInstanceOf(AppError);
    return failure as AppError;
  }
  return expect.unreachable("it should have been refused");
};

const DEPTH = 200_000; // of the 16 MiB that are read; V8 writes some 7,000
const nested = (open: string, close: string): unknown =>
  parseJson(open.repeat(DEPTH) + "1" + close.repeat(DEPTH), "config.json");

test.each([
  ["lists", "[", "]"],
  ["objects", '{"":', "}"],
])("%s in themselves, where a setting is refused by its value", async (_what, open, close) => {
  const value = nested(open, close);
  for (const name of ["num_attention_heads", "class_embed_type", "layers_per_block", "in_channels"])
    expect((await refusalOf(() => parseUNetConfig({ [name]: value }, "unet/config.json"))).message).toContain(
      `"${name}"`,
    );
  for (const name of ["trained_betas", "beta_start", "beta_schedule"])
    expect((await refusalOf(() => parseScheduleConfig({ [name]: value }, "scheduler_config.json"))).message).toContain(
      name,
    );
});

test.each([
  ["num_train_timesteps", 1e9],
  ["num_train_timesteps", -1],
  ["num_train_timesteps", null],
  ["trained_betas", Array(200_000).fill(0.1)],
  ["beta_end", 1e300],
])("a schedule whose %s is odd", async (name, value) => {
  if (value === null) return void expect(parseScheduleConfig({ [name]: value }, "s").trainTimesteps).toBe(1000);
  expect((await refusalOf(() => parseScheduleConfig({ [name]: value }, "s"))).code).toBe("unsupported_model");
});

test.each([
  { block_out_channels: [1e9] },
  { block_out_channels: Array(1e6).fill(8) },
  { layers_per_block: 1e9 },
  { layers_per_block: -1 },
  { layers_per_block: "NaN" },
  { transformer_layers_per_block: [[1e9]] },
  { sample_size: [1e9, 1e9] },
])("a UNet of sizes that no UNet has: %o", async (claim) => {
  expect((await refusalOf(() => parseUNetConfig(claim, "unet/config.json"))).code).toBe("unsupported_model");
});

test("one file under the names of many shards is not read once for each of them", async () => {
  const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
  const header = `{${Array.from({ length: 2000 }, (_, i) => `"t${i}":${entry}`)}}`;
  const file = Buffer.concat([Buffer.alloc(8), Buffer.from(header)]);
  file.writeBigUInt64LE(BigInt(header.length));
  const names = Array.from({ length: 3000 }, (_, i) => `model-${i}.safetensors`);
  const at = (name: string): string => folder.path(name);
  await writeFile(at(names[0]!), file);
  for (const name of names.slice(1)) await link(at(names[0]!), at(name));
  const map = Object.fromEntries(names.map((name, i) => [`w${i}`, name]));
  await writeFile(at("model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  const { message } = await refusalOf(() => readComponentWeights(diskFolder(join(at("x"), "..")), "model"));
  expect(message).toMatch(/has more than 100000 tensors in its 3000 parts, more than is read; .+\.$/);
});

test.each(["../a.safetensors", "/etc/a.safetensors", "a/b.safetensors", "..", "a.bin", ""])(
  "an index that names “%s”",
  async (name) => {
    await writeFile(folder.path("model.safetensors.index.json"), JSON.stringify({ weight_map: { w: name } }));
    const { code } = await refusalOf(() => readComponentWeights(diskFolder(join(folder.path("x"), "..")), "model"));
    expect(code).toBe("malformed_weights");
  },
);

import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type ModelChoice, readModelFiles } from "#lib/diffusion/model-files.ts";
import { usual, type SampleRequest } from "#lib/diffusion/sample-request.ts";
import { openModel, type Part } from "#workers/inference/open-model.ts";
import { starter, testRuntime } from "../support/golden.ts";

const folder = await mkdtemp(join(tmpdir(), "guidepost-"));
afterAll(() => rm(folder, { recursive: true }));

const request: SampleRequest = {
  ...usual,
  prompt: "a big red house in a meadow",
  negativePrompt: null,
  plan: { mode: "conditional", guidanceScale: 1, cfgSteps: 0 },
  sampler: "ddim",
  steps: 2,
  start: { seed: 5n, batch: 1, batchNoise: "one stream" },
};
const tiny = starter("guide-tiny/guide.safetensors");
const base: ModelChoice = { model: starter("storybook"), lowRank: [], guide: tiny };

async function opens(choice: Partial<ModelChoice>): Promise<readonly Part[]> {
  const { opened } = await openModel(await readModelFiles({ ...base, ...choice }), request, testRuntime);
  return opened;
}

/** As a worker lays out the commit of a fine-tune: files that it shares with its base are the same file. */
async function fineTune(): Promise<string> {
  const model = join(folder, "watercolor");
  await cp(starter("storybook"), model, { recursive: true, filter: (path) => !path.endsWith("safetensors") });
  for (const [from, part, file] of [
    ["storybook", "text_encoder", "model.safetensors"],
    ["storybook", "vae", "diffusion_pytorch_model.safetensors"],
    ["watercolor", "unet", "diffusion_pytorch_model.safetensors"],
  ] as const)
    await symlink(starter(`${from}/${part}/${file}`), join(model, part, file));
  for (const file of ["vocab.json", "merges.txt", "tokenizer_config.json"]) {
    await rm(join(model, "tokenizer", file));
    await symlink(starter(`storybook/tokenizer/${file}`), join(model, "tokenizer", file));
  }
  return model;
}

test("only what differs from the last job is opened", async () => {
  expect(await opens({})).toEqual(["text", "unet", "guide", "vae"]);
  expect(await opens({})).toEqual([]);
  expect(await opens({ guide: starter("guide-distilled/guide.safetensors") })).toEqual(["guide"]); // over the same base
  expect(await opens({ guide: tiny })).toEqual(["guide"]);
  const model = await fineTune();
  expect(await opens({ model })).toEqual(["unet"]); // under the same guide
  expect(await opens({ model, guide: null })).toEqual([]);
  expect(await opens({ model })).toEqual([]); // a job without a guide leaves it open
});

test("an adapter opens the networks that it changes, and each strength is another", async () => {
  const { lowRank } = await readModelFiles({
    ...base,
    lowRank: [{ path: starter("pencil-lora/pencil.safetensors"), strength: 1 }],
  });
  expect([lowRank[0]!.unet.size > 0, lowRank[0]!.textEncoder.size]).toEqual([true, 0]);
  await opens({});
  expect(await opens({ lowRank: [{ path: starter("pencil-lora/pencil.safetensors"), strength: 1 }] })).toEqual([
    "unet",
  ]);
  expect(await opens({ lowRank: [{ path: starter("pencil-lora/pencil.safetensors"), strength: 0.5 }] })).toEqual([
    "unet",
  ]);
  expect(
    await opens({ lowRank: [{ path: starter("pencil-lora/pencil.safetensors"), strength: 0.5, textStrength: 0 }] }),
  ).toEqual([]);
  expect(await opens({})).toEqual(["unet"]);
});

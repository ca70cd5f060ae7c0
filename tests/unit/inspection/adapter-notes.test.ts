import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acceleratorOf } from "#lib/inspection/accelerator.ts";
import { inspectFile } from "#lib/inspection/inspect-file.ts";
import { triggersOfMetadata, triggersOfSidecar } from "#lib/inspection/trigger-words.ts";
import { inspectionLines } from "#workers/cli/inspect.ts";
import { numbers, writeTensors } from "../../support/adapter-file.ts";
import { temporaryFolder } from "../../support/cli.ts";

const metadataOf = (entries: Record<string, unknown>): Map<string, string> =>
  new Map(
    Object.entries(entries).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );

describe("trigger words", () => {
  test("that are declared come from ModelSpec; folders and captions of kohya's scripts are counted", () => {
    const found = triggersOfMetadata(
      metadataOf({
        "modelspec.trigger_phrase": "ohwx man",
        ss_dataset_dirs: {
          "10_ohwx man": { n_repeats: 10, img_count: 20 },
          "1_street": { n_repeats: 1, img_count: 9 },
        },
        ss_tag_frequency: { "10_ohwx man": { "ohwx man": 20, beard: 20, smile: 19 }, "1_street": { car: 8 } },
      }),
    );
    expect(found).toEqual([
      { words: "ohwx man", from: 'metadata "modelspec.trigger_phrase"', declared: true },
      { words: "street", from: 'metadata "ss_dataset_dirs"', declared: false },
      { words: "beard", from: 'metadata "ss_tag_frequency"', declared: false },
    ]);
  });

  test.each([
    ["not JSON", "{"],
    ["a list", []],
    ["counts that are text", { a: { b: "3" } }],
    ["one picture", { a: { b: 1 } }],
  ])("%s tells nothing", (_what, ss_tag_frequency) => {
    expect(triggersOfMetadata(metadataOf({ ss_tag_frequency, ss_dataset_dirs: ss_tag_frequency }))).toEqual([]);
  });

  test("of sidecars are those of Civitai and of A1111, one line each, and of a stranger's file none", () => {
    const from = "the file .json beside it";
    const words = (json: unknown): string[] => triggersOfSidecar(json, from).map((one) => one.words);
    expect(words({ trainedWords: ["ink  style", "INK STYLE", "-", "", "line\nart"], other: 1 })).toEqual([
      "ink style",
      "line art",
    ]);
    expect(words({ "activation text": "ink style", "preferred weight": 0.8 })).toEqual(["ink style"]);
    for (const json of [null, [], "x", { trainedWords: [1] }, { trainedWords: ["x".repeat(201)] }])
      expect(words(json)).toEqual([]);
  });
});

describe("adapters that shorten sampling", () => {
  test.each([
    ["lcm-lora-sdv1-5.safetensors", "LCM", "lcm", 4],
    ["sdxl_lightning_8step_lora.safetensors", "SDXL-Lightning", "euler", 8],
    ["Hyper-SDXL-2steps-lora.safetensors", "Hyper-SD", "ddim", 2],
    ["dmd2_sdxl_4step_lora_fp16.safetensors", "DMD2", "lcm", 4],
    ["sd_xl_turbo_lora_v1.safetensors", "Turbo", "euler-a", 4],
    ["TCD-SDXL-LoRA.safetensors", "TCD", "lcm", 4],
  ])("%s hints at %s", (file, name, sampler, steps) => {
    expect(acceleratorOf(new Map(), file)).toMatchObject({
      name,
      sampler,
      steps,
      guidance: 1,
      from: "its file name, which is only a hint",
    });
  });

  test("metadata come before the file's name", () => {
    const metadata = metadataOf({ "modelspec.title": "My Lightning, 4-step" });
    expect(acceleratorOf(metadata, "lcm.safetensors")).toMatchObject({
      name: "SDXL-Lightning",
      steps: 4,
      from: 'metadata "modelspec.title"',
    });
  });

  test.each(["film.safetensors", "psychopcmania.safetensors", "turbocharger.safetensors", "enlightning.safetensors"])(
    "%s hints at none",
    (file) => expect(acceleratorOf(new Map(), file)).toBeNull(),
  );
});

describe("inspect", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => void (folder = await temporaryFolder()));
  afterAll(() => folder.remove());

  test("says what lies beside a file and what its name hints at", async () => {
    const path = folder.path("lcm-ink.safetensors");
    const module = "lora_unet_mid_block_resnets_0_conv1";
    await writeTensors(path, {
      [`${module}.lora_down.weight`]: numbers(1, 4, 8),
      [`${module}.lora_up.weight`]: numbers(2, 8, 4),
    });
    await writeFile(folder.path("lcm-ink.civitai.info"), JSON.stringify({ trainedWords: ["ink style"] }));
    await writeFile(folder.path("lcm-ink.json"), "not JSON");
    const found = await inspectFile(path);
    expect(found).toMatchObject({ runs: true, problems: [], steps: 4 });
    expect(inspectionLines(found)).toEqual(
      expect.arrayContaining([
        "steps       made for 4",
        "shortens    sampling (LCM, according to its file name, which is only a hint): sampler lcm, guidance 1",
        "trigger     ink style, according to the file .civitai.info beside it",
      ]),
    );
  });
});

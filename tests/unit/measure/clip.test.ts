import { readFileSync } from "node:fs";
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clip, cosinesOf, openClip } from "#lib/measure/clip/clip.ts";
import { readClip } from "#lib/measure/clip/clip-files.ts";
import { readEvaluator } from "#lib/measure/open-evaluator.ts";
import { parsePreprocessing, preprocess } from "#lib/measure/clip/preprocessing.ts";
import { readPng } from "#lib/picture/read-png.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { repeat, rows, tensor, zeros } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { evaluatorContract } from "../../contract/evaluator.ts";
import { alteredFile } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";
import { largestDifference } from "../../support/close-to.ts";

const golden = (path: string): string => fileURLToPath(new URL(`../../golden/clip/${path}`, import.meta.url));
const models = ["quick-gelu", "gelu", "padded"] as const;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** The folder of a golden model, with the tokenizer that all of them share. */
async function clipFolder(name: string, as = name): Promise<string> {
  const path = folder.path(as);
  await cp(golden(name), path, { recursive: true });
  await cp(golden("tokenizer"), path, { recursive: true });
  return path;
}

const png = (name: string): Picture =>
  readPng(readFileSync(golden(`pictures/${name}.png`)), `${name}.png`, "over white");
const preprocessing = (model: string) =>
  parsePreprocessing(JSON.parse(readFileSync(golden(`${model}/preprocessor_config.json`), "utf8")), model);

describe("what becomes of a picture", async () => {
  const source = await openFile(golden("pictures/prepared.safetensors"));
  const { tensors } = await readHeader(source);
  const expected = new Map<string, Uint8Array>();
  for (const [name, { begin, end }] of tensors) expected.set(name, await source.read(begin, end));
  await source.close();

  test.each([...expected.keys()])("%s: byte for byte what PIL makes of it", (name) => {
    const [model, picture] = name.split("/") as [string, string];
    const bytes = Float32Array.from({ length: 256 }, (_, byte) => byte);
    const { data } = preprocess(png(picture), { ...preprocessing(model), values: [bytes, bytes, bytes] });
    expect(Buffer.from(Uint8Array.from(data))).toEqual(Buffer.from(expected.get(name)!));
  });
});

describe.each(models)("%s, a CLIPModel of transformers", (name) => {
  const { settings } = JSON.parse(readFileSync(golden(`${name}/case.json`), "utf8")) as {
    settings: { prompts: string[]; pictures: string[] };
  };

  test("gives the same embeddings, logits and scale", async () => {
    const want = await readTensors(golden(`${name}/golden.safetensors`));
    const files = await readClip(diskFolder(await clipFolder(name)));
    const first = preprocess(png(settings.pictures[0]!), files.preprocessing);
    expect(largestDifference(first, want.get("pixels")!)).toBeLessThan(1e-6);

    const clip: Clip = await openClip(files, testRuntime);
    const images = await clip.embedPictures(settings.pictures.map(png));
    const texts = await clip.embedTexts(settings.prompts);
    await clip.close();
    expect(largestDifference(images, want.get("image_embeds")!)).toBeLessThan(1e-4);
    expect(largestDifference(texts.embeddings, want.get("text_embeds")!)).toBeLessThan(1e-4);
    expect(texts.cut).toEqual(settings.prompts.map((prompt) => prompt.length > 200));
    expect(Math.abs(files.logitScale - want.get("scale")!.data[0]!)).toBeLessThan(1e-6);
    settings.pictures.forEach((_picture, i) => {
      const cosines = cosinesOf(repeat(rows(images, i, i + 1), settings.prompts.length), texts.embeddings);
      const logits = Float32Array.from(cosines, (cosine) => cosine * files.logitScale);
      const expected = rows(want.get("logits_per_image")!, i, i + 1);
      expect(largestDifference(tensor(logits, expected.shape), expected)).toBeLessThan(1e-4);
    });
  });
});

describe("a CLIP folder", () => {
  evaluatorContract(async () => ({
    domain: null,
    evaluator: await (await readEvaluator(await clipFolder("quick-gelu", "contract"))).open(testRuntime),
    prompts: ["a red fox in the snow", "a castle", "a photo of a zoo at night"],
    latents: zeros([3, 4, 2, 2]),
    pictures: ["odd", "tall", "large"].map(png),
  }));

  test("says of which prompts it reads only the beginning, and what its own scale is", async () => {
    const evaluator = await (await readEvaluator(await clipFolder("gelu", "cut"))).open(testRuntime);
    const long = "sea light ".repeat(40);
    const { notes } = await evaluator.expect(["a castle", long, `${long}again`], null);
    await evaluator.close();
    expect(notes[0]).toMatch(
      /^Scores are cosines of CLIP's embeddings \(cut\); its own scale, 0\.\d+, multiplies none of them\.$/,
    );
    expect(notes[1]).toMatch(
      /^2 prompts are longer than the 77 tokens that CLIP reads, and only the beginning was compared: "sea light .*"\.$/,
    );
    expect(notes).toHaveLength(2);
  });

  test("takes more memory for more pictures, counted before it is opened", async () => {
    const files = await readEvaluator(await clipFolder("quick-gelu", "memory"));
    const bytes = (rows: number): number => files.memories(rows).reduce((sum, { running }) => sum + running, 0);
    expect(bytes(16)).toBeGreaterThan(bytes(1));
  });
});

describe("what cannot be read is refused in a sentence", () => {
  type Json = Record<string, unknown>;
  const changed =
    (file: string, change: (json: Json) => Json) =>
    async (path: string): Promise<void> =>
      writeFile(join(path, file), JSON.stringify(change(JSON.parse(await readFile(join(path, file), "utf8")) as Json)));
  const withoutTensors = (pattern: RegExp) => async (path: string) => {
    const file = join(path, "model.safetensors");
    await alteredFile(file, join(path, "altered.safetensors"), ({ tensors }) => {
      for (const name of tensors.keys()) if (pattern.test(name)) tensors.delete(name);
    });
    await rename(join(path, "altered.safetensors"), file);
  };

  test.each<[string, (path: string) => Promise<void>, RegExp]>([
    [
      "no-preprocessor",
      (path) => rm(join(path, "preprocessor_config.json")),
      /^no-preprocessor has no preprocessor_config\.json, which says how pictures are made ready for CLIP; download it too\.$/,
    ],
    [
      "projection",
      changed("config.json", (json) => ({ ...json, projection_dim: 7 })),
      /the tensor "\w+_projection\.weight" is \[6, \d+\] where its config calls for \[7, \d+\]; use the config and the weights of one model\.$/,
    ],
    [
      "text-only",
      changed("config.json", ({ text_config }) => text_config as Json),
      /^text-only\/config\.json describes CLIP's text encoder alone, without the vision tower that looks at pictures; give the folder of a whole CLIPModel, in the transformers layout\.$/,
    ],
    [
      "vision-only",
      changed("config.json", ({ vision_config }) => vision_config as Json),
      /describes CLIP's vision tower alone, without the text encoder that reads prompts; /,
    ],
    [
      "text-weights",
      withoutTensors(/^vision_model\./),
      /^text-weights describes a whole CLIP and holds its text encoder alone, without a vision tower; give the folder/,
    ],
    ["vision-weights", withoutTensors(/^text_model\./), /describes a whole CLIP and holds no text encoder; /],
    ["no-scale", withoutTensors(/^logit_scale$/), /^no-scale lacks the tensor "logit_scale"; /],
    [
      "no-class",
      withoutTensors(/class_embedding/),
      /CLIP's vision tower lacks the tensor "embeddings\.class_embedding" \[12\]/,
    ],
    [
      "siglip",
      changed("config.json", (json) => ({ ...json, model_type: "siglip" })),
      /^siglip\/config\.json describes a "siglip"; give the folder of a whole CLIPModel/,
    ],
    [
      "activation",
      changed("config.json", (json) => ({
        ...json,
        vision_config: { ...(json["vision_config"] as Json), hidden_act: "relu" },
      })),
      /^activation\/config\.json, "vision_config": "hidden_act" is not what we can run .*; use the config that came with the weights\.$/,
    ],
    [
      "crop",
      changed("preprocessor_config.json", (json) => ({ ...json, crop_size: 20 })),
      /^crop\/preprocessor_config\.json makes pictures of 20 × 20 px where the vision tower reads 16 × 16; /,
    ],
    [
      "no-crop",
      changed("preprocessor_config.json", (json) => ({ ...json, do_center_crop: false })),
      /makes pictures of no certain size where the vision tower reads 16 × 16; /,
    ],
    [
      "nearest",
      changed("preprocessor_config.json", (json) => ({ ...json, resample: 0 })),
      /^nearest\/preprocessor_config\.json: "resample" is not what we can run/,
    ],
    [
      "zero-std",
      changed("preprocessor_config.json", (json) => ({ ...json, image_std: [0.2, 0, 0.2] })),
      /"image_std" holds a 0, which nothing can be divided by/,
    ],
    [
      "open-clip",
      (path) => rename(join(path, "config.json"), join(path, "open_clip_config.json")),
      /^open-clip is in the layout of open_clip, which does not run here; give the same model in the transformers layout/,
    ],
    [
      "no-tokenizer",
      (path) => rm(join(path, "vocab.json")),
      /^no-tokenizer has no tokenizer\.json and no vocab\.json; /,
    ],
  ])("%s", async (name, spoil, says) => {
    const path = await clipFolder("quick-gelu", name);
    await spoil(path);
    const failure = await readEvaluator(path)
      .then((files) => files.open(testRuntime))
      .then(
        () => expect.unreachable("it should have been refused"),
        (error: Error) => error,
      );
    expect(failure.message).toMatch(says);
    expect(failure).toHaveProperty("code");
  });

  test("a folder that is not there", async () => {
    await expect(readEvaluator(folder.path("nowhere"))).rejects.toThrow(/does not exist; check the path\.$/);
  });
});

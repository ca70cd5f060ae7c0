import { expect, test } from "vitest";
import { toName } from "../../../app/upload/destination.tsx";
import { toChosen } from "../../../app/upload/dropped-files.ts";
import { type KnownBase, recognise } from "../../../app/upload/recognise.ts";
import { singleFileFiles, starterFiles } from "../../support/evidence.ts";
import { sha256Of, weightsOf } from "../../support/upload-client.ts";

const chosen = (files: Readonly<Record<string, Uint8Array | string>>) =>
  toChosen(
    Object.entries(files).map(([path, content]) => ({
      path,
      file: new File([content as BlobPart], path.split("/").at(-1)!),
    })),
  );
const folder = async (name: string) =>
  chosen(
    Object.fromEntries(Object.entries(await starterFiles(name)).map(([path, content]) => [`${name}/${path}`, content])),
  );
const storybook: KnownBase = {
  name: "guidepost/storybook",
  files: [sha256Of((await starterFiles("storybook"))["unet/diffusion_pytorch_model.safetensors"] as Buffer)],
  channels: [64, 96, 160],
  textWidth: 128,
};
const other: KnownBase = {
  name: "ann/other",
  files: ["0".repeat(64)],
  channels: [320, 640, 1280, 1280],
  textWidth: 768,
};

test("a folder says what it is, its parts, and which bases have its shape", async () => {
  const found = await recognise(await folder("watercolor"), [storybook, other]);
  expect(found).toMatchObject({
    sentence: "watercolor is a model in the diffusers layout with 3 weights files.",
    kind: "finetune",
    base: null,
    notes: [],
    problem: null,
  });
  expect(Object.fromEntries(found.facts)).toMatchObject({
    pipeline: "StableDiffusionPipeline",
    unet: "7,446,852 parameters in 326 tensors, F16",
    base: "the hub finds it by the weights, once it has read them; guidepost/storybook has its shape",
  });
});

test("a model whose shape no base has is taken for a base", async () => {
  expect(await recognise(await folder("storybook"), [other])).toMatchObject({ kind: "base" });
});

test("a folder that lacks a part is told which", async () => {
  const { files, name, leftOut } = await folder("watercolor");
  const { notes } = await recognise(
    { name, leftOut, files: files.filter(({ path }) => !path.startsWith("tokenizer/")) },
    [storybook],
  );
  expect(notes).toEqual([
    "model_index.json names tokenizer, and there is no folder of that name; without it nothing draws.",
  ]);
});

test("a guide names its base by the sha256 of its weights, and its range", async () => {
  const guide = await folder("guide-tiny");
  const found = await recognise(guide, [other, storybook]);
  expect(found).toMatchObject({ kind: "guide", base: "guidepost/storybook", notes: [] });
  expect(Object.fromEntries(found.facts)).toMatchObject({ guidance: "1 to 8, reference 5" });
  expect(await recognise(guide, [other])).toMatchObject({
    base: null,
    notes: [expect.stringMatching(/^It names base weights that no base/)],
  });
});

test("a checkpoint in one file is a base, or a fine-tune of one that has its shape; its configs may lie beside it", async () => {
  const files = await singleFileFiles("sd1");
  const alone = chosen({ "dream.safetensors": files["sd1-tiny.safetensors"]! });
  const found = await recognise(alone, [storybook, other]);
  expect(found).toMatchObject({
    sentence: "dream is a single-file checkpoint (LDM names).",
    name: "dream",
    kind: "base",
    problem: null,
    notes: [expect.stringMatching(/^No published config describes its UNet; put the configs/)],
  });
  const tiny: KnownBase = { name: "ann/tiny", files: [], channels: [8, 16], textWidth: 16 };
  const whole = await recognise(chosen(files), [tiny]);
  expect(whole).toMatchObject({ kind: "finetune", notes: [] });
  expect(Object.fromEntries(whole.facts)).toMatchObject({
    configs: "lie beside it, and describe its networks",
    base: expect.stringMatching(/ann\/tiny has its shape$/),
  });
});

test("a low-rank file says its ranks and what it changes", async () => {
  const found = await recognise(
    chosen({ "clay.safetensors": (await starterFiles("clay-lora"))["clay.safetensors"]! }),
    [storybook, other],
  );
  expect(found).toMatchObject({
    sentence: "clay is a low-rank fine-tune (kohya).",
    name: "clay",
    kind: "finetune",
    notes: [],
  });
  expect(Object.fromEntries(found.facts)).toMatchObject({
    size: "1,095,798 parameters in 354 tensors, F16",
    rank: "16",
    changes: expect.stringMatching(/^\d+ layers of the unet/),
    base: expect.stringMatching(/guidepost\/storybook has its shape$/),
  });
});

test("of several files the one that says most gives the name", async () => {
  const clay = (await starterFiles("clay-lora"))["clay.safetensors"]!;
  expect(
    await recognise(chosen({ "a.safetensors": weightsOf(1000), "clay.safetensors": clay, "README.md": "# Clay" }), [
      storybook,
    ]),
  ).toMatchObject({
    name: "clay",
    sentence: "clay is a low-rank fine-tune (kohya), with 1 more weights file.",
    kind: "finetune",
  });
});

test.each<[string, string, Uint8Array | string, RegExp]>([
  [
    "cut off",
    "cut.safetensors",
    weightsOf(5000).subarray(0, 4000),
    /^cut\.safetensors: its tensors take 4872 bytes, and only 3872 are there; download it again\.$/,
  ],
  ["of another format", "m.safetensors", "PK\x03\x04 and more", /a ZIP archive, which is how PyTorch keeps pickles/],
  [
    "that claims a header beyond all bounds",
    "huge.safetensors",
    new Uint8Array(64).fill(255),
    /it claims a header of 18446744073709551615 bytes/,
  ],
  ["with a pickle", "unet/model.bin", "x", /^model\.bin: this kind of file may hold a Python pickle/],
  ["of a name that is a device", "con.json", "{}", /device on Windows/],
  ["of a name with a bidirectional override", "a\u202etxt.json", "{}", /invisible/],
])("a file %s is named", async (_what, path, content, problem) => {
  const { files, sentence } = await recognise(chosen({ [path]: content, "README.md": "# Hello" }), []);
  expect(files.find((file) => file.path === path)!.problem).toMatch(problem);
  expect(files.find((file) => file.path === "README.md")!.problem).toBeNull();
  expect(sentence).toMatch(/no weights that can be sent/);
});

test("an index that is not JSON, or names strange things, is passed over", async () => {
  for (const index of ["{", "[]", "null", '{"_class_name": 5, "unet": 3, "../x": ["a", "b"]}'])
    expect(await recognise(chosen({ "model_index.json": index }), [])).toMatchObject({
      notes: [],
      facts: [["base", expect.any(String)]],
    });
});

test("two names that some disks take for one stop all of it", async () => {
  expect(await recognise(chosen({ "A.json": "{}", "a.json": "{}" }), [])).toMatchObject({
    problem: expect.stringMatching(/differ only in capital letters/),
  });
});

test("the folder around is left out, and what systems leave in folders", () => {
  const { name, files, leftOut } = chosen({
    "snap/abc/model_index.json": "{}",
    "snap/abc/unet/config.json": "{}",
    "snap/.DS_Store": "",
    "snap/abc/.git/config": "",
  });
  expect([name, files.map(({ path }) => path), leftOut]).toEqual(["abc", ["model_index.json", "unet/config.json"], 2]);
  expect(chosen({ "m/unet/a.safetensors": "" }).files.map(({ path }) => path)).toEqual(["unet/a.safetensors"]);
});

test.each([
  ["My Model (v2)!", "My-Model-v2"],
  ["..a..b--c.git", "a.b-c"],
  ["水彩", ""],
  ["x".repeat(120), "x".repeat(96)],
])("%s may be called %s", (text, name) => expect(toName(text)).toBe(name));

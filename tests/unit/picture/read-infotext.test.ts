import { describe, expect, test } from "vitest";
import { toInfotext } from "#lib/picture/infotext.ts";
import { infotextFields } from "#lib/picture/infotext-fields.ts";
import { parseInfotext } from "#lib/picture/read-infotext.ts";
import type { Recipe } from "#lib/picture/recipe.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";

const sha = (digit: string): string => digit.repeat(64);
const recipe: Recipe = {
  guidepost: "0.1.0",
  prompt: "a big red boat, at sea: 1",
  negativePrompt: "night",
  mode: "guide",
  guidanceScale: 4.5,
  guideStrength: 1.25,
  cfgSteps: 3,
  steps: 20,
  sampler: "dpmpp-2m",
  seed: 2n ** 64n - 1n,
  latents: null,
  batch: 1,
  width: 128,
  height: 96,
  model: "story: book",
  files: [
    { role: "unet", name: "story/unet.safetensors", sha256: sha("a") },
    { role: "lora", name: "pixel.safetensors", sha256: sha("b"), tensorsSha256: sha("d"), strength: 0.5 },
    { role: "guide", name: "tiny.safetensors", sha256: sha("c") },
  ],
  runtime: {
    name: "onnxruntime-node",
    version: "1.30.0",
    provider: "cpu",
    precision: "float32",
    threads: 2,
    graph: "all",
    cfg: "one batch of two",
  },
  passes: 23,
};

describe("what we write for other tools is read back", () => {
  test("whole, with nothing left to say", () => {
    expect(parseInfotext(toInfotext(recipe))).toEqual({
      tool: "Guidepost",
      prompt: recipe.prompt,
      negativePrompt: "night",
      promptSyntax: "plain",
      seed: 18446744073709551615n,
      isCpuNoise: true,
      steps: 20,
      guidanceScale: 4.5,
      guideStrength: 1.25,
      cfgSteps: 3,
      sampler: {
        written: "DPM++ 2M Uniform",
        name: "dpmpp-2m",
        nearest: "dpmpp-2m",
        timestepSpacing: "linspace",
        note: null,
      },
      width: 128,
      height: 96,
      clipSkip: null,
      denoisingStrength: null,
      batch: null,
      mode: "guide",
      model: { name: "story: book", hash: "a".repeat(10) },
      vae: null,
      guide: { name: "tiny", hash: "c".repeat(10) },
      loras: [{ name: "pixel", hash: "d".repeat(12), textEncoderStrength: 0.5, unetStrength: 0.5 }],
      embeddings: [],
      version: "guidepost 0.1.0",
      notes: [],
    });
  });

  test.each([
    "ddim",
    "dpmpp-2m",
    "dpmpp-2m-karras",
    "dpmpp-2m-sde",
    "euler",
    "euler-a",
    "heun",
    "unipc",
    "pndm",
    "lcm",
  ] as const)("with the sampler %s", (sampler) => {
    expect(parseInfotext(toInfotext({ ...recipe, sampler }))!.sampler).toMatchObject(
      sampler === "unipc" ? { nearest: "unipc" } : { name: sampler },
    );
  });

  test("in the field's syntax, and a batch of each kind", () => {
    const weighed = { ...recipe, prompt: "a (boat:1.2) <lora:pixel:0.5>", promptSyntax: "a1111", batch: 4 } as const;
    expect(parseInfotext(toInfotext(weighed))).toMatchObject({
      prompt: "a (boat:1.2)",
      promptSyntax: "a1111",
      loras: [{ name: "pixel", unetStrength: 0.5 }],
      batch: { size: 4, position: null, isOneStream: true },
      notes: [expect.stringContaining("a batch of 4")],
    });
    const each = parseInfotext(toInfotext({ ...weighed, noise: "a seed each" }))!;
    expect(each.batch).toEqual({ size: 4, position: null, isOneStream: false });
  });
});

describe("what AUTOMATIC1111's web UI writes is read", () => {
  test("over several lines, with every value in its place", () => {
    const text =
      'masterpiece,\n<lora:ink:0.8> a (fox:1.2) <lora:wash:0.5:1> <hypernet:old:1>\nNegative prompt: blurry,\nlow quality\nSteps: 28, Sampler: DPM++ 2M SDE, Schedule type: Karras, CFG scale: 7.5, Seed: 18446744073709551615, Size: 512x768, Model hash: 6CE0161689, Model: v1-5, VAE hash: 735e4c3a44, VAE: vae-ft-mse.safetensors, Clip skip: 2, RNG: CPU, Lora hashes: "ink: 0123456789ab, wash: nothing, other: ffffffffffff", TI hashes: "bad-hand: 99887766aabb", Version: v1.10.1';
    expect(parseInfotext(text)).toEqual({
      tool: "AUTOMATIC1111",
      prompt: "masterpiece,\n a (fox:1.2)",
      negativePrompt: "blurry,\nlow quality",
      promptSyntax: "a1111",
      seed: 18446744073709551615n,
      isCpuNoise: true,
      steps: 28,
      guidanceScale: 7.5,
      guideStrength: null,
      cfgSteps: null,
      sampler: {
        written: "DPM++ 2M SDE Karras",
        name: null,
        nearest: "dpmpp-2m-sde",
        timestepSpacing: null,
        note: "The sampler “DPM++ 2M SDE Karras” has the noise schedule karras; the nearest here is dpmpp-2m-sde.",
      },
      width: 512,
      height: 768,
      clipSkip: 2,
      denoisingStrength: null,
      batch: null,
      mode: null,
      model: { name: "v1-5", hash: "6ce0161689" },
      vae: { name: "vae-ft-mse.safetensors", hash: "735e4c3a44" },
      guide: null,
      loras: [
        { name: "ink", hash: "0123456789ab", textEncoderStrength: 0.8, unetStrength: 0.8 },
        { name: "wash", hash: null, textEncoderStrength: 0.5, unetStrength: 1 },
        { name: "other", hash: "ffffffffffff", textEncoderStrength: null, unetStrength: null },
      ],
      embeddings: [{ name: "bad-hand", hash: "99887766aabb" }],
      version: "v1.10.1",
      notes: [
        "The hypernetwork “old” is not used here.",
        "The sampler “DPM++ 2M SDE Karras” has the noise schedule karras; the nearest here is dpmpp-2m-sde.",
      ],
    });
  });

  const settings = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 512x512, RNG: CPU";
  const read = (more: string, prompt = "a fox") => parseInfotext(`${prompt}\n${settings}${more}`)!;

  test.each([
    [", Hires upscale: 2, Hires upscaler: Latent, Denoising strength: 0.5", "Hires. fix"],
    [", Denoising strength: 0.5", "began with another picture at strength 0.5"],
    [", Variation seed: 7, Variation seed strength: 0.3", "varied with the seed 7 at strength 0.3"],
    [", Seed resize from: 512x512", "another size"],
    [", Batch size: 4, Batch pos: 2", "one of a batch of 4. Its seed is its own"],
    [", Face restoration: CodeFormer", "Faces were restored"],
    [", Refiner: xl-refiner, Refiner switch at: 0.8", "refiner"],
    [", Tiling: True", "without seams"],
    [", Clip skip: many", "Its clip skip “many” could not be read"],
    [
      ', ADetailer model: face.pt, ControlNet 0: "Module: canny, Model: x"',
      "Not read: “adetailer model”, “controlnet 0”",
    ],
    ["\nTemplate: a __animal__", "behind its line of settings"],
  ])("%s is said", (more, words) => {
    expect(read(more).notes).toEqual([expect.stringContaining(words)]);
  });

  test("the rule of its emphasis is said where something is weighed", () => {
    expect(read(", Emphasis: No norm", "a (fox)").notes).toEqual([expect.stringContaining("“No norm”")]);
    expect(read(", Emphasis: No norm").notes).toEqual([]);
  });

  test("the position in a batch is kept", () => {
    expect(read(", Batch size: 4, Batch pos: 0").batch).toEqual({ size: 4, position: 0, isOneStream: false });
  });

  test.each([
    ["", "drawn on a graphics card"],
    [", RNG: NV", "RNG: NV"],
  ])("noise that is not the CPU's is said: %j", (rng, words) => {
    const foreign = parseInfotext(`a fox\nSteps: 20, Sampler: Euler, Seed: 5${rng}`)!;
    expect(foreign.isCpuNoise).toBe(false);
    expect(foreign.notes).toEqual([expect.stringContaining(words)]);
  });

  test("hashes come from JSON as well, quoted or not", () => {
    const json = '{"vae": "735e4c3a44", "lora:in,k": "0123456789ab", "embed:word": "aabbccdd", "model": "6ce0161689"}';
    for (const written of [json, JSON.stringify(json)])
      expect(read(`, Hashes: ${written}, Version: v1.6.0`, "<lora:in,k:1>")).toMatchObject({
        model: { name: null, hash: "6ce0161689" },
        vae: { name: null, hash: "735e4c3a44" },
        loras: [{ name: "in,k", hash: "0123456789ab" }],
        embeddings: [{ name: "word", hash: "aabbccdd" }],
        version: "v1.6.0",
        notes: [],
      });
    expect(read(", Hashes: {broken").notes).toEqual(["Its Hashes {…} could not be read."]);
  });

  test("a seed of any size keeps its digits, and what is none is said", () => {
    const seedOf = (text: string) => parseInfotext(`a\nSteps: 1, Seed: ${text}, RNG: CPU`)!;
    expect(seedOf("9007199254740993").seed).toBe(9007199254740993n);
    expect(seedOf("18446744073709551616")).toMatchObject({
      seed: null,
      notes: ["Its seed “18446744073709551616” could not be read."],
    });
  });

  test("the settings are its last line that begins with the steps", () => {
    expect(parseInfotext(`${settings}\na fox\n${settings}, Clip skip: 2`)).toMatchObject({
      prompt: `${settings}\na fox`,
      clipSkip: 2,
    });
  });
});

test.each(["a poem\nwithout numbers", "", "a: b, cc: d, ee: f", "Negative prompt: a", "\n\n"])(
  "%j is some other text",
  (text) => expect(parseInfotext(text)).toBeNull(),
);

test("names and values are divided as their readers divide them", () => {
  const line =
    'Steps: 1, a: 2, Model: "a, b: \\"c\\"", Half: "open, Empty: , Size: 5x5, -Lead: 3, ControlNet 0: "x, y"z, End: 夜';
  expect([...infotextFields(line)]).toEqual([
    ["steps", "1"],
    ["model", 'a, b: "c"'],
    ["half", '"open'],
    ["empty", ""],
    ["size", "5x5"],
    ["lead", "3"],
    ["controlnet 0", '"x'],
    ["end", "夜"],
  ]);
});

describe("strangers' texts are read quickly", () => {
  test.each(
    [
      "a ",
      "a",
      "a: ",
      "aa: ",
      'aa: "',
      'aa: "\\',
      "aa: {",
      "aa: [[",
      'aa: {"',
      ", ",
      "\n",
      "\nNegative prompt: ",
      "\nSteps: 1, ",
      "<lora:a:1>",
      "<lora:",
      "Steps: 1, Hashes: {",
      " - / ",
      "\\",
      "夜: 1, ",
    ].map((unit) => [unit]),
  )("a megabyte of %j", (unit) => {
    const body = unit.repeat(Math.floor(2 ** 20 / unit.length));
    for (const text of [body, `${body}\nSteps: 1`, `Steps: 1, ${body}`]) {
      expect(cpuMilliseconds(() => parseInfotext(text))).toBeLessThan(3000); // some 300 ms at worst on a small machine
    }
  });
});

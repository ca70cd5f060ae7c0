import { describe, expect, test } from "vitest";
import { toInfotext } from "#lib/picture/infotext.ts";
import type { Recipe } from "#lib/picture/recipe.ts";

const recipe: Recipe = {
  guidepost: "0.1.0",
  prompt: "a lighthouse at night",
  negativePrompt: "fog",
  mode: "guide",
  guidanceScale: 5,
  cfgSteps: 2,
  steps: 20,
  sampler: "ddim",
  seed: 7n,
  latents: null,
  batch: 1,
  width: 128,
  height: 96,
  model: "storybook",
  files: [
    { role: "textEncoder", name: "storybook text", sha256: "0".repeat(64) },
    { role: "unet", name: "unet/diffusion_pytorch_model.safetensors", sha256: "0123456789abcdef".repeat(4) },
    { role: "guide", name: "tiny.safetensors", sha256: "fedcba9876543210".repeat(4) },
    {
      role: "lora",
      name: "neon.safetensors",
      sha256: "1".repeat(64),
      tensorsSha256: "9".repeat(64),
      strength: 1,
    },
    { role: "lora", name: "pixel: 8, bit", sha256: "2".repeat(64), strength: 0.5 },
  ],
  runtime: {
    name: "onnxruntime-node",
    version: "1.30.0",
    provider: "cpu",
    precision: "float32",
    threads: 2,
    graph: "encoder + decoder",
    cfg: "two passes",
  },
  passes: 22,
};

/** The rule by which A1111 (modules/infotext_utils.py, parse_generation_parameters) and the tools after it read. */
function readAsA1111(text: string): Record<string, string> {
  const parameter = /\s*([\p{L}\p{N}_][\p{L}\p{N}_ \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/gu;
  const lines = text.trim().split("\n");
  let found = [...lines.at(-1)!.matchAll(parameter)];
  if (found.length < 3) found = [];
  else lines.pop();
  const negative = lines.findIndex((line) => line.trim().startsWith("Negative prompt:"));
  const [prompt, negativePrompt] = negative < 0 ? [lines, []] : [lines.slice(0, negative), lines.slice(negative)];
  const read: Record<string, string> = {
    Prompt: prompt.map((line) => line.trim()).join("\n"),
    "Negative prompt": negativePrompt
      .map((line, index) => (index === 0 ? line.trim().slice(16) : line).trim())
      .join("\n"),
  };
  for (const [, name, value] of found) {
    const size = /^(\d+)x(\d+)$/.exec(value!);
    if (size) [read[`${name}-1`], read[`${name}-2`]] = [size[1]!, size[2]!];
    else read[name!] = value!.startsWith('"') && value!.endsWith('"') ? JSON.parse(value!) : value!;
  }
  return read;
}

test("the text is that of the field, to the letter", () => {
  expect(toInfotext(recipe)).toBe(
    "a lighthouse at night <lora:neon:1> <lora:pixel 8, bit:0.5>\nNegative prompt: fog\n" +
      "Steps: 20, Sampler: DDIM, CFG scale: 5, Seed: 7, RNG: CPU, Size: 128x96, Model hash: 0123456789, Model: storybook, " +
      'Lora hashes: "neon: 999999999999, pixel 8 bit: 2222222222", Guide: tiny, Guide hash: fedcba9876, Guidance mode: guide, CFG steps: 2, Version: guidepost 0.1.0',
  );
});

test("other tools read every value back", () => {
  expect(readAsA1111(toInfotext(recipe))).toEqual({
    Prompt: "a lighthouse at night <lora:neon:1> <lora:pixel 8, bit:0.5>",
    "Negative prompt": "fog",
    Steps: "20",
    Sampler: "DDIM",
    "CFG scale": "5",
    Seed: "7",
    RNG: "CPU",
    "Size-1": "128",
    "Size-2": "96",
    "Model hash": "0123456789",
    Model: "storybook",
    "Lora hashes": "neon: 999999999999, pixel 8 bit: 2222222222",
    Guide: "tiny",
    "Guide hash": "fedcba9876",
    "Guidance mode": "guide",
    "CFG steps": "2",
    Version: "guidepost 0.1.0",
  });
});

test("what a picture did not have is left out", () => {
  const plain = readAsA1111(
    toInfotext({
      ...recipe,
      negativePrompt: null,
      seed: null,
      latents: { sha256: "3".repeat(64) },
      sampler: "dpmpp-2m",
      files: [],
    }),
  );
  expect(plain).toMatchObject({ Sampler: "DPM++ 2M", "Schedule type": "Uniform", "Negative prompt": "" });
  for (const name of ["Batch size", "Emphasis", "Seed", "RNG", "Model hash", "Lora hashes", "Guide", "Guide hash"])
    expect(plain).not.toHaveProperty(name);
});

describe("a LoRA", () => {
  const ink = { role: "lora", name: "ink.safetensors", sha256: "5".repeat(64), strength: 0.6 } as const;

  test("that the prompt asks for in the field's syntax is not asked for twice", () => {
    const prompt = "a (fox:1.2) <lora:ink:0.6>";
    const read = readAsA1111(toInfotext({ ...recipe, prompt, promptSyntax: "a1111", files: [ink] }));
    expect(read).toMatchObject({ Prompt: prompt, "Prompt syntax": "a1111", "Lora hashes": "ink: 5555555555" });
    expect(read).not.toHaveProperty("Emphasis");
  });

  test("of a plain prompt stands behind it with its strength", () => {
    expect(readAsA1111(toInfotext({ ...recipe, files: [ink] }))).toMatchObject({
      Prompt: "a lighthouse at night <lora:ink:0.6>",
    });
  });
});

test("a batch, a seed of 64 bits and brackets that weigh nothing are said", () => {
  const batch = { ...recipe, prompt: "a dog (brown)", batch: 4, seed: 2n ** 64n - 1n, files: [] };
  expect(readAsA1111(toInfotext(batch))).toMatchObject({
    Seed: "18446744073709551615",
    "Batch size": "4",
    "Batch noise": "one stream",
    Emphasis: "None",
    "Size-1": "128",
  });
  expect(readAsA1111(toInfotext({ ...batch, noise: "a seed each" }))).toMatchObject({ "Batch noise": "a seed each" });
});

describe("other tools read back", () => {
  const bare = { ...recipe, files: [] };
  const line = "Steps: 99, Sampler: Euler, CFG scale: 1, Seed: 3, Size: 64x64";
  test.for([
    "",
    "two\nlines",
    line,
    `${line}\n${line}`,
    `a \\ b, "c": {d} <lora:neon:1>\n\nlast`,
    "夜の灯台 🗼, Steps: 2",
  ])("the prompts %j", (text) => {
    const read = readAsA1111(toInfotext({ ...bare, prompt: text, negativePrompt: text }));
    expect(read).toMatchObject({
      Prompt: text,
      "Negative prompt": text,
      Steps: "20",
      Seed: "7",
      Version: "guidepost 0.1.0",
    });
    expect(readAsA1111(toInfotext({ ...bare, prompt: text, negativePrompt: null }))).toMatchObject({
      Prompt: text,
      "Negative prompt": "",
      Steps: "20",
    });
  });

  test.for([
    "plain v1.5",
    "a, b",
    "Seed: 8, Steps: 1",
    'a "b" c',
    '"quoted"',
    "back\\slash",
    'back\\"slash, "',
    "two\nlines",
    " blanks ",
    "夜, 灯台",
  ])("the model name %j", (name) => {
    const read = readAsA1111(
      toInfotext({
        ...recipe,
        model: name,
        files: [{ role: "unet", name: "unet.safetensors", sha256: "4".repeat(64) }],
      }),
    );
    expect(read).toMatchObject({
      Model: name,
      "Model hash": "4444444444",
      Seed: "7",
      Steps: "20",
      "Guidance mode": "guide",
    });
  });
});

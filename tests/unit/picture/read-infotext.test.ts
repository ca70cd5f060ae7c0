import { expect, test } from "vitest";
import { toInfotext } from "#lib/picture/infotext.ts";
import { parseInfotext } from "#lib/picture/read-infotext.ts";
import type { Recipe } from "#lib/picture/recipe.ts";

const sha = (digit: string): string => digit.repeat(64);
const recipe: Recipe = {
  guidepost: "0.1.0",
  prompt: "a big red boat, at sea: 1",
  negativePrompt: "night",
  mode: "guide",
  guidanceScale: 4.5,
  cfgSteps: 3,
  steps: 20,
  sampler: "dpmpp-2m",
  seed: 7,
  latents: null,
  batch: 1,
  width: 128,
  height: 128,
  model: "story: book",
  files: [
    { role: "unet", name: "story/unet.safetensors", sha256: sha("a") },
    { role: "lora", name: "pixel.safetensors", sha256: sha("b") },
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

test("what we write for other tools is read back", () => {
  expect(parseInfotext(toInfotext(recipe))).toEqual({
    prompt: recipe.prompt,
    negativePrompt: "night",
    seed: 7,
    steps: 20,
    guidanceScale: 4.5,
    cfgSteps: 3,
    sampler: "DPM++ 2M",
    mode: "guide",
    model: { name: "story: book", hash: "a".repeat(10) },
    guide: { name: "tiny", hash: "c".repeat(10) },
    loras: [{ name: "pixel", hash: "b".repeat(10) }],
    isCpuNoise: true,
  });
});

test("as is what other tools write, over several lines; what says no steps is another text", () => {
  const text =
    'masterpiece,\n<lora:ink:0.8> a fox\nNegative prompt: blurry,\nlow quality\nSteps: 28, Sampler: Euler a, CFG scale: 7, Seed: 123456789012, Size: 512x768, Model hash: 6CE0161689, Model: v1-5, Lora hashes: "ink: 0123456789ab, wash: nothing", Version: v1.9.4';
  expect(parseInfotext(text)).toMatchObject({
    prompt: "masterpiece,\n<lora:ink:0.8> a fox",
    negativePrompt: "blurry,\nlow quality",
    seed: 123456789012,
    steps: 28,
    sampler: "Euler a",
    cfgSteps: null,
    model: { name: "v1-5", hash: "6ce0161689" },
    loras: [
      { name: "ink", hash: "0123456789ab" },
      { name: "wash", hash: null },
    ],
    isCpuNoise: false,
  });
  expect(parseInfotext("a poem\nwithout numbers")).toBeNull();
  expect(parseInfotext("")).toBeNull();
});

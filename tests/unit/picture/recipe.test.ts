import { describe, expect, test } from "vitest";
import { AppError } from "#lib/errors.ts";
import { toInfotext } from "#lib/picture/infotext.ts";
import { encodePng, readPngText } from "#lib/picture/png.ts";
import { parseRecipe, type Recipe, serialiseRecipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { recipeText } from "#lib/picture/recipe-text.ts";

const recipe: Recipe = {
  guidepost: "0.1.0",
  prompt: 'a lighthouse, "at night"\n夜 \ud800',
  negativePrompt: null,
  mode: "guide",
  guidanceScale: 4.5,
  cfgSteps: 2,
  steps: 20,
  sampler: "dpmpp-2m",
  seed: 2n ** 53n - 1n,
  latents: null,
  batch: 1,
  width: 128,
  height: 128,
  model: "storybook",
  files: [
    { role: "unet", name: "storybook", sha256: "ab".repeat(32) },
    { role: "lora", name: "neon", sha256: "cd".repeat(32), strength: -0.5 },
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

test("a recipe comes back as it went in, every digit and every character of it", () => {
  expect(parseRecipe(serialiseRecipe(recipe))).toEqual(recipe);
});

test("a recipe of a picture that says no precision was made in float32, as all then were", () => {
  const { precision, ...older } = recipe.runtime;
  expect(precision).toBe("float32");
  expect(parseRecipe(JSON.stringify({ ...toRecipeJson(recipe), runtime: older }))).toEqual(recipe);
});

test.each<[seed: bigint, json: string]>([
  [0n, '"seed":0,'],
  [2n ** 53n - 1n, '"seed":9007199254740991,'],
  [2n ** 53n, '"seed":"9007199254740992",'],
  [2n ** 64n - 1n, '"seed":"18446744073709551615",'],
  [-(2n ** 63n), '"seed":"-9223372036854775808",'],
])("the seed %s keeps every digit", (seed, json) => {
  const text = serialiseRecipe({ ...recipe, seed });
  expect(text).toContain(json);
  expect(parseRecipe(text).seed).toBe(seed);
});

test("a seed of a few digits is read from a text as well", () => {
  expect(parseRecipe(JSON.stringify({ ...toRecipeJson(recipe), seed: "7" })).seed).toBe(7n);
});

test("a picture brings its recipe along, and the words of the field", () => {
  const text = readPngText(
    encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, recipeText({ ...recipe, prompt: "夜" })),
  );
  expect([...text.keys()]).toEqual(["parameters", "guidepost"]);
  expect(text.get("parameters")).toBe(toInfotext({ ...recipe, prompt: "夜" }));
  expect(parseRecipe(text.get("guidepost")!)).toEqual({ ...recipe, prompt: "夜" });
});

test("equal recipes are equal texts, whatever the order of their keys", () => {
  const reversed = Object.fromEntries(Object.entries(recipe).toReversed()) as Recipe;
  expect(serialiseRecipe(reversed)).toBe(serialiseRecipe(recipe));
});

describe("a recipe is refused by the name of what is wrong", () => {
  const [unet, lora] = recipe.files;
  test.for<[key: string, change: object]>([
    ["steps", { steps: 0 }],
    ["steps", { steps: 1.5 }],
    ["steps", { steps: undefined }],
    ["seed", { seed: 2 ** 53 }],
    ["seed", { seed: "18446744073709551616" }],
    ["seed", { seed: "1e3" }],
    ["seed", { seed: "" }],
    ["seed", { seed: 1.5 }],
    ["noise", { noise: "two streams" }],
    ["seed", { seed: null }],
    ["seed", { latents: { sha256: "ab".repeat(32) } }],
    ["latents.sha256", { seed: null, latents: { sha256: "AB".repeat(32) } }],
    ["prompt", { prompt: "x".repeat(16_385) }],
    ["mode", { mode: "none" }],
    ["guidanceScale", { guidanceScale: null }],
    ["files.0.role", { files: [{ ...unet, role: "hat" }] }],
    ["files.1.strength", { files: [unet, { ...lora, strength: "1" }] }],
    ["files", { files: Array.from({ length: 1025 }, () => unet) }],
    ["runtime.provider", { runtime: { ...recipe.runtime, provider: "abacus" } }],
    ["runtime", { runtime: { ...recipe.runtime, mystery: 1 } }],
    ["mystery", { mystery: 1 }],
    ["mystery", { seed: null, latents: { sha256: "ab".repeat(32), mystery: 1 } }],
    ["mystery", { files: [{ ...unet, mystery: 1 }] }],
  ])("%s ($#)", ([key, change]) => {
    const refused = expect.objectContaining({ code: "bad_request", message: expect.stringContaining(key) });
    expect(() => parseRecipe(JSON.stringify({ ...toRecipeJson(recipe), ...change }))).toThrow(refused);
    if (!("seed" in change)) expect(() => serialiseRecipe({ ...recipe, ...change } as Recipe)).toThrow(refused);
  });

  test.for([
    ["cut short", serialiseRecipe(recipe).slice(0, -1)],
    ["not an object", "null"],
    ["nested without end", "[".repeat(2 ** 20)],
    ["endless", " ".repeat(2 ** 20 + 1)],
    ["with a prototype", `{"__proto__": 1, ${serialiseRecipe(recipe).slice(1)}`],
  ] as const)("when it is %s", ([, text]) => {
    expect(() => parseRecipe(text)).toThrow(AppError);
  });
});

import { describe, expect, test } from "vitest";
import { parseComfy } from "#lib/picture/read-comfy.ts";
import { readForeign, unreadTool } from "#lib/picture/read-foreign.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";

type Nodes = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

/** The graph that ComfyUI opens with, as a picture carries it. */
const plain: Nodes = {
  "3": {
    class_type: "KSampler",
    inputs: {
      seed: 156680208700286,
      steps: 20,
      cfg: 8,
      sampler_name: "euler",
      scheduler: "normal",
      denoise: 1,
      model: ["4", 0],
      positive: ["6", 0],
      negative: ["7", 0],
      latent_image: ["5", 0],
    },
  },
  "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "v1-5-pruned-emaonly.safetensors" } },
  "5": { class_type: "EmptyLatentImage", inputs: { width: 512, height: 768, batch_size: 1 } },
  "6": { class_type: "CLIPTextEncode", inputs: { text: "a glass bottle", clip: ["4", 1] } },
  "7": { class_type: "CLIPTextEncode", inputs: { text: "text, watermark", clip: ["4", 1] } },
  "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } },
  "9": { class_type: "SaveImage", inputs: { filename_prefix: "ComfyUI", images: ["8", 0] } },
};

const changed = (change: Nodes): Nodes => ({ ...plain, ...change });
const sampler = (inputs: Record<string, unknown>): Nodes => ({
  "3": { class_type: "KSampler", inputs: { ...plain["3"]!.inputs, ...inputs } },
});
const read = (nodes: Nodes) => parseComfy(JSON.stringify(nodes), undefined)!;

describe("a picture of ComfyUI", () => {
  test("is read from the graph that it opens with", () => {
    expect(read(plain)).toEqual({
      tool: "ComfyUI",
      prompt: "a glass bottle",
      negativePrompt: "text, watermark",
      promptSyntax: "plain",
      seed: 156680208700286n,
      isCpuNoise: true,
      steps: 20,
      guidanceScale: 8,
      guideStrength: null,
      cfgSteps: null,
      sampler: { written: "euler normal", name: "euler", nearest: "euler", timestepSpacing: "linspace", note: null },
      width: 512,
      height: 768,
      clipSkip: null,
      denoisingStrength: null,
      batch: null,
      mode: null,
      model: { name: "v1-5-pruned-emaonly", hash: null },
      vae: null,
      guide: null,
      loras: [],
      embeddings: [],
      version: null,
      notes: [],
    });
  });

  test("with LoRAs in their order, a clip skip, a VAE, a seed of 64 bits and a text from another node", () => {
    const nodes = changed({
      ...sampler({ seed: 0, model: ["11", 0] }),
      "6": { class_type: "CLIPTextEncode", inputs: { text: ["20", 0], clip: ["12", 0] } },
      "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["13", 0] } },
      "10": {
        class_type: "LoraLoader",
        inputs: {
          lora_name: "style/ink.safetensors",
          strength_model: 0.8,
          strength_clip: 0.5,
          model: ["4", 0],
          clip: ["4", 1],
        },
      },
      "11": {
        class_type: "LoraLoaderModelOnly",
        inputs: { lora_name: "lcm.safetensors", strength_model: 1, model: ["10", 0] },
      },
      "12": { class_type: "CLIPSetLastLayer", inputs: { stop_at_clip_layer: -2, clip: ["10", 1] } },
      "13": { class_type: "VAELoader", inputs: { vae_name: "mse.safetensors" } },
      "20": { class_type: "PrimitiveString", inputs: { value: "a (fox:1.2), embedding:bad-hand" } },
    });
    const text = JSON.stringify(nodes).replace('"seed":0', '"seed":18446744073709551615');
    expect(parseComfy(text, undefined)).toMatchObject({
      prompt: "a (fox:1.2), embedding:bad-hand",
      promptSyntax: "a1111",
      seed: 18446744073709551615n,
      clipSkip: 2,
      vae: { name: "mse", hash: null },
      loras: [
        { name: "style/ink", hash: null, unetStrength: 0.8, textEncoderStrength: 0.5 },
        { name: "lcm", hash: null, unetStrength: 1, textEncoderStrength: 0 },
      ],
      embeddings: [{ name: "bad-hand", hash: null }],
      notes: [expect.stringContaining("ComfyUI's rule")],
    });
  });

  test("is read from its workflow where the graph that ran is missing or broken", () => {
    const node = (id: number, type: string, widgets_values: unknown[], inputs: object[] = []) => ({
      id,
      type,
      widgets_values,
      inputs,
    });
    const workflow = {
      nodes: [
        node(
          3,
          "KSampler",
          [7, "randomize", 25, 6.5, "dpmpp_2m", "karras", 1],
          ["model", "positive", "negative", "latent_image"].map((name, i) => ({ name, type: "X", link: i + 1 })),
        ),
        node(4, "CheckpointLoaderSimple", ["sd.ckpt"]),
        node(5, "EmptyLatentImage", [640, 384, 2]),
        node(6, "CLIPTextEncode", ["a house"], [{ name: "clip", type: "CLIP", link: 5 }]),
        node(7, "CLIPTextEncode", [""], [{ name: "clip", type: "CLIP", link: 6 }]),
        { ...node(8, "KSampler", [9, "fixed", 1, 1, "euler", "normal", 1]), mode: 4 },
      ],
      links: [
        [1, 4, 0, 3, 0, "MODEL"],
        [2, 6, 0, 3, 1, "CONDITIONING"],
        [3, 7, 0, 3, 2, "CONDITIONING"],
        [4, 5, 0, 3, 3, "LATENT"],
        [5, 4, 1, 6, 0, "CLIP"],
        [6, 4, 1, 7, 0, "CLIP"],
      ],
    };
    for (const prompt of [undefined, "{", "[]", '{"1":{"class_type":4}}'])
      expect(parseComfy(prompt, JSON.stringify(workflow))).toMatchObject({
        prompt: "a house",
        negativePrompt: null,
        seed: 7n,
        steps: 25,
        guidanceScale: 6.5,
        sampler: { name: "dpmpp-2m-karras" },
        width: 640,
        height: 384,
        model: { name: "sd" },
        batch: { size: 2, position: null, isOneStream: true },
        notes: [expect.stringContaining("one of a batch of 2")],
      });
  });

  test("of two passes is the first, and a start within the steps is said", () => {
    const second = { ...plain["3"]!.inputs, seed: 99, denoise: 0.5, latent_image: ["31", 0] };
    const nodes = changed({
      "8": { class_type: "VAEDecode", inputs: { samples: ["30", 0], vae: ["4", 2] } },
      "30": { class_type: "KSampler", inputs: second },
      "31": { class_type: "LatentUpscale", inputs: { samples: ["3", 0] } },
    });
    expect(read(nodes)).toMatchObject({ seed: 156680208700286n, notes: [expect.stringContaining("in 2 passes")] });
    const advanced = {
      ...plain["3"]!.inputs,
      noise_seed: 4,
      add_noise: "disable",
      start_at_step: 5,
      end_at_step: 10000,
    };
    expect(read(changed({ "3": { class_type: "KSamplerAdvanced", inputs: advanced } }))).toMatchObject({
      seed: 4n,
      notes: [expect.stringContaining("from step 5"), expect.stringContaining("No noise was added")],
    });
  });

  test.each<[Nodes, string]>([
    [
      { "5": { class_type: "VAEEncode", inputs: { pixels: ["1", 0], vae: ["4", 2] } } },
      "began with another picture at strength 1",
    ],
    [sampler({ denoise: 0.6 }), "from noise at strength 0.6"],
    [sampler({ sampler_name: "dpmpp_3m_sde", scheduler: "exponential" }), "nearest here is dpmpp-2m-sde"],
    [sampler({ sampler_name: "mystery" }), "The sampler “mystery normal” is not known"],
    [sampler({ sampler_name: "euler_ancestral" }), "drawn on a graphics card there"],
    [sampler({ steps: "many" }), "Its steps could not be read from the node “KSampler”"],
    [sampler({ seed: ["404", 0] }), "Its seed could not be read"],
    [sampler({ seed: -1.5 }), "Its seed could not be read"],
    [{ "4": { class_type: "MysteryLoader", inputs: {} } }, "Which model it was drawn with"],
    [sampler({ positive: ["40", 0] }), "Its positive prompt could not be read"],
    [
      { ...sampler({ model: ["40", 0] }), "40": { class_type: "FreeU", inputs: { b1: 1, model: ["4", 0] } } },
      "“FreeU”",
    ],
    [
      {
        ...sampler({ positive: ["40", 0] }),
        "40": { class_type: "ControlNetApply", inputs: { strength: 1, conditioning: ["6", 0] } },
      },
      "“ControlNetApply”",
    ],
  ])("says what of %j it does not read", (change, words) => {
    expect(read(changed(change)).notes).toContainEqual(expect.stringContaining(words));
  });

  test("of Python's own JSON is read, with NaN in it", () => {
    const text = JSON.stringify(changed(sampler({ is_changed: "?" }))).replace('"?"', "[NaN, -Infinity]");
    expect(parseComfy(text, undefined)).toMatchObject({ steps: 20, notes: [] });
  });
});

describe("strangers' graphs end", () => {
  test("in circles of every link", () => {
    const inputs = Object.fromEntries(
      [
        "model",
        "positive",
        "negative",
        "latent_image",
        "samples",
        "images",
        "clip",
        "conditioning",
        "text",
        "seed",
        "vae",
      ].map((name) => [name, ["1", 0]]),
    );
    for (const type of ["KSampler", "KSamplerAdvanced", "SaveImage", "VAEDecode", "CLIPTextEncode", "LoraLoader"]) {
      const nodes = { "1": { class_type: type, inputs }, "2": { class_type: "KSampler", inputs } };
      expect(parseComfy(JSON.stringify(nodes), undefined)).toMatchObject({ tool: "ComfyUI", model: null });
    }
  });

  test("however many nodes, in a second", () => {
    const nodes = Object.fromEntries(
      Array.from({ length: 6000 }, (_, i) => [
        String(i),
        {
          class_type: ["KSampler", "VAEDecode", "SaveImage"][i % 3]!,
          inputs: { samples: [String(i + 1), 0], images: [String(i + 2), 0] },
        },
      ]),
    );
    const text = JSON.stringify(nodes);
    expect(cpuMilliseconds(() => parseComfy(text, JSON.stringify({ nodes: [], links: [] })))).toBeLessThan(3000); // some 200 ms on a small machine
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '"text"',
    "[".repeat(100_000),
    '{"a":'.repeat(100_000),
    '{"__proto__":{"class_type":"KSampler","inputs":{"model":["__proto__",0]}}}',
    '{"1":{"class_type":"KSampler","inputs":[1]}}',
    '{"nodes":{}}',
    '{"nodes":[1,null],"links":[1]}',
  ])("%.40s is none", (text) => {
    expect(parseComfy(text, text)).toBeNull();
  });
});

test("a picture is read by what it carries, and the tool behind unknown texts is named", () => {
  const comfy = JSON.stringify(plain);
  expect(readForeign(new Map([["prompt", comfy]]))).toMatchObject({ tool: "ComfyUI" });
  expect(
    readForeign(
      new Map([
        ["prompt", comfy],
        ["parameters", "a\nSteps: 3"],
      ]),
    ),
  ).toMatchObject({ tool: "AUTOMATIC1111", steps: 3 });
  expect(readForeign(new Map([["Title", "a boat"]]))).toBeNull();
  expect(unreadTool(new Map([["invokeai_metadata", "{}"]]))).toBe("InvokeAI");
  expect(unreadTool(new Map([["Title", "a boat"]]))).toBeNull();
});

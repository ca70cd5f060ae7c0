import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeFile } from "#lib/inspection/describe.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { printable } from "#lib/util/printable.ts";
import { inspectionLines } from "#workers/cli/inspect.ts";
import { fluxShapes, headerOf, sd1, unetShapes } from "../../fixtures/inspection/headers.ts";
import { temporaryFolder } from "../../support/cli.ts";

describe("files that are something else, named .safetensors", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => void (folder = await temporaryFolder()));
  afterEach(() => folder.remove());

  test.each([
    [
      "a pickle",
      [0x80, 0x02, 0x7d, 0x71, 0x00, 0x28, 0x58, 0x0a],
      "it is a Python pickle, not safetensors; save the model with safetensors.torch.save_file",
    ],
    [
      "PyTorch's archive",
      [0x50, 0x4b, 0x03, 0x04, 0x00, 0x00, 0x08, 0x08],
      "it is a ZIP archive, which is how PyTorch keeps pickles",
    ],
    [
      "an ONNX graph",
      [0x08, 0x07, 0x12, 0x07, 0x70, 0x79, 0x74, 0x6f, 0x72, 0x63, 0x68],
      "is an ONNX file, and those are refused: a graph is code",
    ],
    ["nothing", [], "too few for a safetensors file"],
  ])("%s is refused by its content", async (_what, bytes, sentence) => {
    const path = folder.path("weights.safetensors");
    await writeFile(path, Uint8Array.from([...bytes, ...(bytes.length > 0 ? Array<number>(64).fill(0x2e) : [])]));
    await expect(inspectPath(path)).rejects.toThrow(sentence);
  });
});

describe("what reaches a terminal", () => {
  const hostile = "\u001b]0;gone\u0007\u009b31m\u202etxt.exe\u200b\r\nend";

  test("holds no control, format or separator character", () => {
    expect(printable(hostile)).toBe(String.raw`\u{1b}]0;gone\u{7}\u{9b}31m\u{202e}txt.exe\u{200b}\r\nend`);
    expect(printable("grün, 日本 😀 \ud800")).toBe(String.raw`grün, 日本 😀 \u{d800}`);
  });

  test("metadata, names and sentences are all cleaned", () => {
    const file = headerOf(
      { [`lora_unet_${hostile}.lora_down.weight`]: [1, 1], [`lora_unet_${hostile}.lora_up.weight`]: [1, 1] },
      { metadata: { [hostile]: hostile, ss_base_model_version: hostile } },
    );
    const inspection = { ...describeFile({ ...file, name: hostile }), problems: [hostile] };
    expect(inspectionLines(inspection).join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(inspection.metadata[hostile]).toBe(hostile);
  });

  test("long values are cut at 120 characters and long lists after 20 keys", () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 25 }, (_, i) => [`key${String(i).padStart(2, "0")}`, "v".repeat(i === 0 ? 121 : 120)]),
    );
    const lines = inspectionLines(describeFile(headerOf({}, { metadata })));
    const from = lines.findIndex((line) => line.startsWith("metadata"));
    expect(lines.slice(from)).toHaveLength(21);
    expect(lines[from]).toMatch(/^metadata {4}key00 {2}v{120}…$/);
    expect(lines[from + 1]).toMatch(/^ {12}key01 {2}v{120}$/);
    expect(lines.at(-1)).toBe("            and 5 more");
  });
});

test("the table of a low-rank file reads as a person would write it", () => {
  const file = headerOf({
    "lora_unet_mid_block_resnets_0_conv1.lora_down.weight": [16, 1280, 3, 3],
    "lora_unet_mid_block_resnets_0_conv1.lora_up.weight": [1280, 16, 1, 1],
    "lora_unet_mid_block_resnets_0_conv1.alpha": [],
  });
  expect(inspectionLines(describeFile(file, { alphas: [8] }))).toEqual([
    "name        a.safetensors",
    "kind        low-rank fine-tune (kohya)",
    "stored as   F16",
    "parameters  204,801 in 3 tensors",
    "holds       unet  204,801  F16",
    "layers      1 in the unet",
    "rank        16",
    "alpha       8",
    "runs        add it to a base with --lora; its layers do not tell how wide the text states of its base must be",
  ]);
});

describe("names of a known kind with shapes that are nothing like it", () => {
  const kinds = {
    "low-rank fine-tune": [
      "lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight",
      "lora_unet_down_blocks_0_resnets_0_conv1.lora_up.weight",
      "unet.attn2.to_k.lora_A.weight",
    ],
    controlnet: [
      "control_model.input_blocks.0.0.weight",
      "control_model.input_blocks.1.0.in_layers.2.weight",
      "control_model.input_blocks.1.1.attn2.to_k.weight",
    ],
    "single-file checkpoint": Object.keys(unetShapes(sd1, "LDM")).map((name) => `model.diffusion_model.${name}`),
    guide: ["guidance_embedding.linear_1.weight", "zero_convs.0.weight", "mid_zero_conv.weight"],
    evaluator: ["conv_in.weight", "blocks.0.conv1.weight", "features.weight", "heads.weight"],
    unet: [...Object.keys(unetShapes(sd1, "diffusers")), "add_embedding.linear_1.weight"],
    "diffusion transformer": [...Object.keys(fluxShapes({ guidance: true })), "pos_embed"],
    "text encoder": ["text_model.embeddings.token_embedding.weight", "encoder.block.0.layer.0.SelfAttention.q.weight"],
    embedding: ["emb_params"],
  };
  const shapes = [[], [0], [1], [4, 0], [320, 4, 3, 3], [2 ** 30, 2 ** 20], [1, 1, 1, 1, 1, 1]];

  test.each(Object.entries(kinds))("%s: is described all the same, in numbers that are there", (kind, names) => {
    for (const offset of shapes.keys()) {
      for (const stride of [0, 1]) {
        const torn = Object.fromEntries(names.map((name, i) => [name, shapes[(offset + stride * i) % shapes.length]!]));
        const inspection = describeFile(headerOf(torn));
        expect(inspection).toMatchObject({ kind });
        expect(inspectionLines(inspection).join("\n")).not.toMatch(/undefined|NaN|null/);
      }
    }
  });
});

import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTextEncoderConfig } from "#lib/diffusion/config.ts";
import { openTextEncoder } from "#lib/diffusion/text-encoder.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { concat, type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { readJson } from "#lib/util/read-json.ts";
import { memorySource } from "#lib/weights/byte-source.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { openClipNaming } from "#lib/weights/names/open-clip.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader, type TensorEntry } from "#lib/weights/safetensors.ts";
import { type Naming, type TensorView, viewTensor, within } from "#lib/weights/tensor-view.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { readWeights } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter, testRuntime } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

test("the bytes of a view are the numbers it stands for", async () => {
  const source = memorySource(
    writeSafetensors(
      new Map([
        [
          "w",
          tensor(
            Float32Array.from({ length: 24 }, (_, i) => i),
            [6, 4],
          ),
        ],
      ]),
    ),
    "w.safetensors",
  );
  const entry = (await readHeader(source)).tensors.get("w")!;
  const read = async (view: TensorView): Promise<unknown> => {
    const { shape, data } = await readTensor(source, viewTensor("a file", entry, view));
    return [shape, [...data]];
  };
  expect(await read({ name: "ours", rows: [2, 4] })).toEqual([
    [2, 4],
    [8, 9, 10, 11, 12, 13, 14, 15],
  ]);
  expect(await read({ name: "ours", rows: [5, 6], shape: [2, 2, 1] })).toEqual([
    [2, 2, 1],
    [20, 21, 22, 23],
  ]);
  expect(await read({ name: "ours", rows: [6, 6] })).toEqual([[0, 4], []]);
  expect(viewTensor("a file", entry, { name: "ours", rows: [0, 3], transposed: true })).toEqual({
    name: "ours",
    dtype: "F32",
    shape: [4, 3],
    begin: entry.begin,
    end: entry.begin + 48,
    transposed: true,
  });
});

describe("a view that the tensor does not have is refused with its name", () => {
  const entry: TensorEntry = { name: "attn.in_proj_weight", dtype: "F16", shape: [8, 4], begin: 0, end: 64 };
  test.each<[string, TensorView, Partial<TensorEntry>]>([
    ["rows 0 to 9 are not whole rows among its 8", { name: "q", rows: [0, 9] }, {}],
    ["rows -1 to 2", { name: "q", rows: [-1, 2] }, {}],
    ["rows 3 to 2", { name: "q", rows: [3, 2] }, {}],
    [`rows 0 to ${8 / 3} are not whole rows`, { name: "q", rows: [0, 8 / 3] }, {}],
    ["it has no rows", { name: "q", rows: [0, 1] }, { shape: [], end: 2 }],
    ["[8, 4] has 32 numbers and [5, 5] 25", { name: "q", shape: [5, 5] }, {}],
    ["this has 3 dimensions", { name: "q", shape: [8, 2, 2], transposed: true }, {}],
  ])("%s", (why, view, change) => {
    expect(() => viewTensor("a file", { ...entry, ...change }, view)).toThrow(
      expect.objectContaining({ code: "weights_mismatch", message: expect.stringContaining(why) }),
    );
    expect(() => viewTensor("a file", { ...entry, ...change }, view)).toThrow(
      'a file: the tensor "attn.in_proj_weight"',
    );
  });

  test("and so is a fused projection that is not of three", () => {
    const [view] = openClipNaming({ name: "transformer.resblocks.0.attn.in_proj_weight", shape: entry.shape });
    expect(() => viewTensor("a file", entry, view!)).toThrow("whole rows");
  });
});

/** The starter's text encoder as OpenCLIP and LDM would have saved it. */
function fused(tensors: ReadonlyMap<string, FloatTensor>, prefix: string): Map<string, FloatTensor> {
  const saved = new Map<string, FloatTensor>();
  for (const [theirs, value] of tensors) {
    const name = theirs.replace(/^text_model\./, "");
    const part = /^(.+\.self_attn)\.q_proj\.(weight|bias)$/.exec(name);
    const foreign = name
      .replace("embeddings.position_embedding.weight", "positional_embedding")
      .replace("embeddings.token_embedding", "token_embedding")
      .replace("final_layer_norm", "ln_final")
      .replace("encoder.layers", "transformer.resblocks")
      .replace("layer_norm", "ln_")
      .replace("fc1", "c_fc")
      .replace("fc2", "c_proj")
      .replace("self_attn", "attn")
      .replace(/q_proj\.(weight|bias)$/, "in_proj_$1");
    if (/\.[kv]_proj\./.test(name)) continue;
    const of = (projection: string): FloatTensor =>
      tensors.get(theirs.replace(/q_proj\.(?=weight$|bias$)/, `${projection}.`))!;
    saved.set(prefix + foreign, part ? concat([value, of("k_proj"), of("v_proj")]) : value);
  }
  saved.set("first_stage_model.quant_conv.weight", tensor(new Float32Array(4), [2, 2]));
  return saved;
}

test("a text encoder runs from a single file as from its folder, bit for bit", async () => {
  const model = starter("storybook/text_encoder/model.safetensors");
  const prefix = "conditioner.embedders.1.model.";
  const path = folder.path("single.safetensors");
  await writeFile(path, writeSafetensors(fused((await readWeights(model)).tensors, prefix)));
  const json = await readJson(starter("storybook/text_encoder/config.json"), "config.json");
  const config = parseTextEncoderConfig(json, "config.json");
  const tokenizer = await openTokenizer(starter("storybook/tokenizer"), config.maxTokens);
  const embed = async (file: string, naming: Naming): Promise<FloatTensor> => {
    const files = [await readWeightsFile(file)];
    const weights = new WeightMap("text encoder", files, naming);
    const encoder = await openTextEncoder({ config, weights, files }, [], tokenizer, testRuntime);
    return encoder.embed(["a red fox in the snow"]).finally(() => encoder.close());
  };
  const expected = await embed(model, clipNaming);
  expect(await embed(path, within(prefix, openClipNaming))).toEqual(expected);
  expect(expected.data.some((value) => value !== 0)).toBe(true);
});

import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { lastStates } from "#lib/diffusion/text-encoder-graph.ts";
import { type EncodedText, openTextEncoder } from "#lib/diffusion/text-encoder.ts";
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

/** A text encoder as OpenCLIP and LDM would have saved it, beside another network. */
function fused(tensors: ReadonlyMap<string, FloatTensor>, prefix: string): Map<string, FloatTensor> {
  const saved = new Map<string, FloatTensor>();
  for (const [theirs, value] of tensors) {
    const name = theirs.replace(/^text_model\./, "");
    if (/\.[kv]_proj\./.test(name)) continue;
    const foreign = name
      .replace("embeddings.position_embedding.weight", "positional_embedding")
      .replace("embeddings.token_embedding", "token_embedding")
      .replace("final_layer_norm", "ln_final")
      .replace("encoder.layers", "transformer.resblocks")
      .replace("layer_norm", "ln_")
      .replace("fc1", "c_fc")
      .replace("fc2", "c_proj")
      .replace("self_attn", "attn")
      .replace(/q_proj\.(weight|bias)$/, "in_proj_$1")
      .replace("text_projection.weight", "text_projection");
    const other = (projection: string): FloatTensor => tensors.get(theirs.replace("q_proj", projection))!;
    if (name.includes("q_proj")) saved.set(prefix + foreign, concat([value, other("k_proj"), other("v_proj")]));
    else saved.set(prefix + foreign, foreign === "text_projection" ? transposed(value) : value);
  }
  return saved.set("first_stage_model.quant_conv.weight", tensor(new Float32Array(4), [2, 2]));
}

function transposed({ data, shape: [rows, columns] }: FloatTensor): FloatTensor {
  const flipped = Float32Array.from(data, (_, i) => data[(i % rows!) * columns! + Math.floor(i / rows!)]!);
  return tensor(flipped, [columns!, rows!]);
}

test("a text encoder runs from a single file as from its folder, bit for bit, the pooled text too", async () => {
  const { tensors } = await readWeights(starter("storybook/text_encoder/model.safetensors"));
  const projection = Float32Array.from({ length: 64 * 128 }, (_, i) => Math.sin(i));
  tensors.set("text_projection.weight", tensor(projection, [64, 128]));
  const prefix = "conditioner.embedders.1.model.";
  const [folded, single] = [folder.path("model.safetensors"), folder.path("single.safetensors")];
  await writeFile(folded, writeSafetensors(tensors));
  await writeFile(single, writeSafetensors(fused(tensors, prefix)));

  const json = await readJson(starter("storybook/text_encoder/config.json"), "config.json");
  const projects = { architectures: ["CLIPTextModelWithProjection"], projection_dim: 64 };
  const config = parseTextEncoderConfig({ ...(json as object), ...projects }, "config.json");
  const tokenizer = await openTokenizer(diskFolder(starter("storybook/tokenizer")), config.maxTokens);
  const encode = async (file: string, naming: Naming): Promise<EncodedText> => {
    const files = [await readWeightsFile(file)];
    const weights = new WeightMap("text encoder", files, naming);
    const encoder = await openTextEncoder({ config, weights, files }, [], tokenizer, lastStates, testRuntime);
    const { ids } = tokenizer.encode("a red fox in the snow");
    return encoder.encode(tensor(ids, [1, config.maxTokens])).finally(() => encoder.close());
  };
  const expected = await encode(folded, clipNaming);
  expect(await encode(single, within(prefix, openClipNaming))).toEqual(expected);
  expect(expected.pooled!.shape).toEqual([1, 64]);
  expect(expected.pooled!.data.every((value) => value !== 0)).toBe(true);
});

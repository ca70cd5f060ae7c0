import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { starter } from "./golden.ts";
import { pack } from "./safetensors-corpus.ts";

/** Where a commit lies as a folder, made of the starter's base or of nothing. */
export interface HostileCommit {
  readonly what: string;
  readonly make: (folder: string) => Promise<void>;
}

const numbered = (count: number, each: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => each(i)).join(",");

async function put(folder: string, path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

/** A header whose tensors are all of the same two bytes, one after the other. */
function manyTensors(
  names: readonly string[],
  shapeOf: (i: number) => string = () => "[1]",
  bytesOf: (i: number) => number = () => 2,
  metadata = "",
): Uint8Array {
  let end = 0;
  const entries = names.map((name, i) => {
    const begin = end;
    end += bytesOf(i);
    return `${JSON.stringify(name)}:{"dtype":"F16","shape":${shapeOf(i)},"data_offsets":[${begin},${end}]}`;
  });
  return pack(`{${[...(metadata ? [metadata] : []), ...entries].join(",")}}`, end);
}

/** A LoRA of so many layers, with these tensors of each. */
const lora = (layer: (i: number) => string, ends: readonly string[], count: number, metadata = ""): Uint8Array => {
  const all = Array.from({ length: count }, (_, i) => ends.map((end) => `${layer(i)}.${end}`)).flat();
  return manyTensors(
    all,
    () => "[1,1]",
    () => 2,
    metadata,
  );
};

/** The starter's base, one of its files another, and some not there. */
const base =
  (
    path: string,
    content: (was: string) => Uint8Array | string,
    without: readonly string[] = [],
  ): HostileCommit["make"] =>
  async (folder) => {
    const files = (await readdir(starter("storybook"), { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    );
    for (const { parentPath, name } of files) {
      const file = join(relative(starter("storybook"), parentPath), name);
      if (file === path || without.includes(file)) continue;
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await symlink(join(parentPath, name), join(folder, file));
    }
    await put(folder, path, content(await readFile(join(starter("storybook"), path), "utf8").catch(() => "")));
  };

const only =
  (path: string, content: () => Uint8Array | string): HostileCommit["make"] =>
  (folder) =>
    put(folder, path, content());

const json =
  (change: Readonly<Record<string, unknown>>) =>
  (was: string): string =>
    JSON.stringify({ ...(JSON.parse(was) as object), ...change });

const manyKeys = (was: string): string => `{${numbered(1_000_000, (i) => `"k${i}":1`)},${was.trim().slice(1)}`;

const unet = "unet/config.json";
const configs = [
  unet,
  "vae/config.json",
  "text_encoder/config.json",
  "scheduler/scheduler_config.json",
  "tokenizer/tokenizer_config.json",
  "model_index.json",
];

const odd: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  [unet]: [
    { block_out_channels: [1e9, 1e9, 1e9] },
    { block_out_channels: [64, 96, 2 ** 31] },
    { block_out_channels: Array(1_000_000).fill(64) },
    { layers_per_block: 1_000_000 },
    { layers_per_block: -1 },
    { layers_per_block: "NaN" },
    { layers_per_block: [1e6, 1, 1] },
    { transformer_layers_per_block: 1_000_000 },
    { transformer_layers_per_block: [1, 1, 1e6] },
    { in_channels: 1e9 },
    { cross_attention_dim: 1e12 },
    { attention_head_dim: 0 },
    { attention_head_dim: -4 },
    { norm_num_groups: 0 },
    { norm_num_groups: 1e9 },
    { sample_size: 1e9 },
    { sample_size: -16 },
    {
      down_block_types: Array(100_000).fill("CrossAttnDownBlock2D"),
      up_block_types: Array(100_000).fill("CrossAttnUpBlock2D"),
      block_out_channels: Array(100_000).fill(16),
    },
    { __proto__: null, constructor: { prototype: { x: 1 } } },
  ],
  "vae/config.json": [
    { block_out_channels: [1e9] },
    {
      block_out_channels: Array(64).fill(16),
      down_block_types: Array(64).fill("DownEncoderBlock2D"),
      up_block_types: Array(64).fill("UpDecoderBlock2D"),
    },
    { layers_per_block: 1_000_000 },
    { latent_channels: 1e9 },
    { scaling_factor: 0 },
    { scaling_factor: "NaN" },
    { norm_num_groups: -1 },
  ],
  "text_encoder/config.json": [
    { num_hidden_layers: 1_000_000 },
    { hidden_size: 1e9 },
    { vocab_size: 1e12 },
    { max_position_embeddings: 1e9 },
    { num_attention_heads: 0 },
    { intermediate_size: -1 },
    { hidden_act: "x".repeat(1_000_000) },
  ],
  "scheduler/scheduler_config.json": [
    { num_train_timesteps: 1e9 },
    { trained_betas: Array(1_000_000).fill(0.5) },
    { beta_start: "NaN" },
    { beta_end: 1e300 },
    { steps_offset: 1e12 },
  ],
  "tokenizer/tokenizer_config.json": [
    { model_max_length: 1e30 },
    { model_max_length: -1 },
    {
      added_tokens_decoder: Object.fromEntries(
        Array.from({ length: 200_000 }, (_, i) => [String(i), { content: `t${i}` }]),
      ),
    },
  ],
};

const bytes = (length: number, begin: readonly number[]): Uint8Array => {
  const all = new Uint8Array(length);
  all.set(begin);
  return all;
};

const weights = "unet/diffusion_pytorch_model.safetensors";
const entry = (shape: string, begin: number | string, end: number | string, dtype = "F16"): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

/** What strangers may commit: the kinds of file that are read, each at the size or with the claim that costs most. */
export const hostileCommits: readonly HostileCommit[] = [
  {
    what: "a LoRA of 100,000 keys, as kohya names them",
    make: only("a.safetensors", () =>
      lora(
        (i) => `lora_unet_down_blocks_0_attentions_${i}_transformer_blocks_0_attn1_to_q`,
        ["lora_down.weight", "lora_up.weight", "alpha"],
        33_333,
      ),
    ),
  },
  {
    what: "a LoRA of 100,000 keys, as PEFT names them",
    make: only("a.safetensors", () =>
      lora(
        (i) => `unet.down_blocks.0.attentions.${i}.transformer_blocks.0.attn1.to_q`,
        ["lora_A.weight", "lora_B.weight"],
        50_000,
      ),
    ),
  },
  {
    what: "a LoRA of 100,000 keys that nothing knows",
    make: only("a.safetensors", () => lora((i) => `lora_unet_${"a_".repeat(40)}${i}`, ["lora_down.weight"], 80_000)),
  },
  {
    what: "a LoKr of 90,000 keys",
    make: only("a.safetensors", () =>
      lora(
        (i) => `lora_unet_mid_block_attentions_0_transformer_blocks_${i}_attn1_to_k`,
        ["lokr_w1", "lokr_w2", "alpha"],
        30_000,
      ),
    ),
  },
  {
    what: "a LoRA with 10,000 keys of metadata",
    make: only("a.safetensors", () =>
      lora(
        (i) => `lora_unet_mid_block_attentions_0_transformer_blocks_${i}_attn1_to_q`,
        ["lora_down.weight", "lora_up.weight"],
        10,
        `"__metadata__":{${numbered(10_000, (i) => `"ss_${i}":"${"x".repeat(1000)}"`)}}`,
      ),
    ),
  },
  {
    what: "a LoRA whose tags are four megabytes of JSON",
    make: only("a.safetensors", () =>
      lora(
        (i) => `lora_unet_mid_block_attentions_0_transformer_blocks_${i}_attn1_to_q`,
        ["lora_down.weight", "lora_up.weight"],
        10,
        `"__metadata__":{"ss_tag_frequency":${JSON.stringify(`{"d":{${numbered(200_000, (i) => `"tag ${i}":1`)}}}`)}}`,
      ),
    ),
  },
  {
    what: "a LoRA whose tags are nested a million deep",
    make: only("a.safetensors", () =>
      lora(
        (i) => `lora_unet_mid_block_attentions_0_transformer_blocks_${i}_attn1_to_q`,
        ["lora_down.weight", "lora_up.weight"],
        10,
        `"__metadata__":{"ss_tag_frequency":${JSON.stringify('{"a":'.repeat(700_000))}}`,
      ),
    ),
  },
  {
    what: "a checkpoint of 100,000 tensors",
    make: only("a.safetensors", () =>
      manyTensors(Array.from({ length: 100_000 }, (_, i) => `model.diffusion_model.input_blocks.${i}.0.weight`)),
    ),
  },
  {
    what: "an embedding of 100,000 tensors",
    make: only("a.safetensors", () => manyTensors(Array.from({ length: 100_000 }, (_, i) => `emb_params_${i}`))),
  },
  {
    what: "a header of 16 MiB with long names",
    make: only("a.safetensors", () => manyTensors(Array.from({ length: 15_000 }, (_, i) => `${"n".repeat(1000)}${i}`))),
  },
  {
    what: "a header of 16 MiB of blanks",
    make: only("a.safetensors", () => pack(`{}${" ".repeat(16 * 2 ** 20 - 2)}`)),
  },
  {
    what: "100,000 shapes of sixteen dimensions",
    make: only("a.safetensors", () =>
      manyTensors(
        Array.from({ length: 90_000 }, (_, i) => `w${i}`),
        () => `[${"1,".repeat(15)}1]`,
      ),
    ),
  },
  {
    what: "the same name twice",
    make: base(weights, () => pack(`{"w":${entry("[1]", 0, 2)},"w":${entry("[1]", 2, 4)}}`, 4)),
  },
  {
    what: "offsets that overlap",
    make: base(weights, () => pack(`{"a":${entry("[2]", 0, 4)},"b":${entry("[2]", 2, 6)}}`, 6)),
  },
  { what: "a shape of NaN", make: base(weights, () => pack(`{"a":${entry("[NaN]", 0, 4)}}`, 4)) },
  { what: "a shape of texts", make: base(weights, () => pack(`{"a":${entry('["2"]', 0, 4)}}`, 4)) },
  {
    what: "a dimension of nothing",
    make: base(weights, () => pack(`{"conv_in.weight":${entry("[0,4,3,3]", 0, 0)}}`, 0)),
  },
  {
    what: "every tensor of no size",
    make: base(weights, () =>
      manyTensors(
        ["conv_in.weight", "conv_in.bias", "conv_out.weight", "time_embedding.linear_1.weight"],
        () => "[0]",
        () => 0,
      ),
    ),
  },
  { what: "a dimension of 2^53", make: base(weights, () => pack(`{"a":${entry("[9007199254740992]", 0, 4)}}`, 4)) },
  {
    what: "a dimension of 2^53 behind one of nothing",
    make: base(weights, () => pack(`{"a":${entry("[0,9007199254740991]", 0, 0)}}`, 0)),
  },
  { what: "a ZIP archive", make: base(weights, () => bytes(1000, [0x50, 0x4b, 3, 4, 20, 0, 0, 0])) },
  { what: "an empty ZIP archive", make: base(weights, () => bytes(22, [0x50, 0x4b, 5, 6])) },
  { what: "a pickle", make: base(weights, () => bytes(1000, [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46])) },
  { what: "a pickle of the fourth protocol", make: base(weights, () => bytes(1000, [0x80, 4, 0x95, 1, 0, 0, 0, 0])) },
  { what: "a pickle in plain letters", make: base(weights, () => Buffer.from("(dp0\nS'a'\np1\n".padEnd(1000))) },
  {
    what: "an index of 100,000 shards that are not there",
    make: base(
      "unet/diffusion_pytorch_model.safetensors.index.json",
      () => `{"weight_map":{${numbered(100_000, (i) => `"w${i}":"m-${i}.safetensors"`)}}}`,
      [weights],
    ),
  },
  {
    what: "an index of 100,000 weights that are all in one file",
    make: base(
      "unet/diffusion_pytorch_model.safetensors.index.json",
      () => `{"weight_map":{${numbered(100_000, (i) => `"w${i}":"x.safetensors"`)}}}`,
      [weights],
    ),
  },
  {
    what: "an index whose map is a list",
    make: base(
      "unet/diffusion_pytorch_model.safetensors.index.json",
      () => `{"weight_map":[${numbered(1_000_000, (i) => String(i))}]}`,
      [weights],
    ),
  },
  {
    what: "a vocabulary of 1,000,000 words",
    make: base(
      "tokenizer/vocab.json",
      (was) => `{${was.trim().slice(1, -1)},${numbered(1_000_000, (i) => `"w${i}":${i % 1000}`)}}`,
    ),
  },
  { what: "1,000,000 merges", make: base("tokenizer/merges.txt", (was) => `${was}\n${"a b\n".repeat(1_000_000)}`) },
  {
    what: "1,000,000 merges of one word",
    make: base("tokenizer/merges.txt", (was) =>
      `${was}\n${was.split("\n")[1]}\n`.concat(`${was.split("\n")[1]}\n`.repeat(1_000_000)),
    ),
  },
  {
    what: "a tokenizer.json of 50 MB",
    make: base(
      "tokenizer/tokenizer.json",
      () =>
        `{"model":{"end_of_word_suffix":"</w>","vocab":{${numbered(2_500_000, (i) => `"word${i}":${i % 1000}`)}},"merges":[]}}`,
    ),
  },
  {
    what: "a tokenizer.json of 31 MB",
    make: base(
      "tokenizer/tokenizer.json",
      () =>
        `{"model":{"end_of_word_suffix":"</w>","vocab":{${numbered(1_500_000, (i) => `"word${i}":${i % 1000}`)}},"merges":[]}}`,
    ),
  },
  {
    what: "a GGUF of 2^60 tensors",
    make: only("a.gguf", () =>
      bytes(1000, [0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 255, 255, 255, 255]),
    ),
  },
  { what: "captions of 1,000,000 lines", make: base("evaluator/prompts.txt", () => "a red house\n".repeat(1_000_000)) },
  ...configs.map((path): HostileCommit => ({ what: `${path} of 1,000,000 keys`, make: base(path, manyKeys) })),
  ...configs.map((path): HostileCommit => ({
    what: `${path} nested 2,000,000 deep`,
    make: base(path, (was) => `{"x":${"[".repeat(2_000_000)}${"]".repeat(2_000_000)},${was.trim().slice(1)}`),
  })),
  ...Object.entries(odd).flatMap(([path, changes]) =>
    changes.map((change): HostileCommit => ({
      what: `${path} with ${JSON.stringify(change).slice(0, 80)}`,
      make: base(path, json(change)),
    })),
  ),
];

import { expect, test } from "vitest";
import { weightsChoices } from "#lib/weights/weights-choices.ts";

const choose = (...present: string[]) => weightsChoices(present, "model").map(({ name }) => name);

test("plain stands before variants, half precision before training's own, a whole file before shards", () => {
  expect(
    choose(
      "model.non_ema.safetensors",
      "model.bf16.safetensors",
      "model.safetensors.index.fp16.json",
      "model.fp16.safetensors",
      "model.safetensors.index.json",
      "model.safetensors",
      "model.mine.safetensors",
    ),
  ).toEqual([
    "model.safetensors",
    "model.safetensors.index.json",
    "model.fp16.safetensors",
    "model.safetensors.index.fp16.json",
    "model.bf16.safetensors",
    "model.non_ema.safetensors",
    "model.mine.safetensors",
  ]);
});

test("both spellings of a variant's index are known", () => {
  expect(weightsChoices(["model.fp16.safetensors.index.json"], "model")).toEqual([
    { name: "model.fp16.safetensors.index.json", isIndex: true },
  ]);
});

test("shards, configs, pickles and other stems are no choice", () => {
  expect(
    choose(
      "model-00001-of-00002.safetensors",
      "model.fp16-00001-of-00002.safetensors",
      "model_index.json",
      "config.json",
      "model.bin",
      "diffusion_pytorch_model.safetensors",
      "model.onnx",
    ),
  ).toEqual([]);
});

import { fileURLToPath } from "node:url";
import { Matrix } from "ml-matrix";
import { openAttributeEvaluator } from "#lib/measure/attribute-evaluator.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { evaluator, type Style } from "../verdicts/styles.ts";
import type { Moments } from "./frechet.ts";

/** What real pictures of each style are like to the starter's evaluator: moments of its features of 640 rendered scenes. */
export const referencePath = fileURLToPath(new URL("reference.safetensors", import.meta.url));

export async function readReference(style: Style): Promise<Moments> {
  const { data: mean } = await readOne(referencePath, `${style}.mean`);
  const { data: covariance } = await readOne(referencePath, `${style}.covariance`);
  return {
    mean: Array.from(mean),
    covariance: Matrix.from1DArray(mean.length, mean.length, Array.from(covariance)),
    n: SCENES,
  };
}

const SCENES = 640;

/** @returns features [n, 64] of the latents [n, 4, 16, 16] in a file */
export async function featuresOfFile(path: string, runtime: Runtime): Promise<FloatTensor> {
  const latents = await readOne(path, "latents");
  const network = await openAttributeEvaluator(evaluator, runtime);
  try {
    return (await network.read(latents)).features;
  } finally {
    await network.close();
  }
}

async function readOne(path: string, name: string): Promise<FloatTensor> {
  const source = await openFile(path);
  try {
    return await readTensor(source, (await readHeader(source)).tensors.get(name)!);
  } finally {
    await source.close();
  }
}

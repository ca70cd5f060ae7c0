import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openGuide, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { freshState } from "#lib/distill/fresh-guide.ts";
import { writeGuide } from "#lib/distill/guide-file.ts";
import { parameterLayout } from "#lib/distill/step/parameter-layout.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { readWeights } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter, testRuntime } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const { config } = await readGuideFile(starter("guide-tiny/guide.safetensors"));

test("layers begin as PyTorch's do, norms as the identity, what goes into the base as zero", () => {
  const { weights, average, firstMoments, secondMoments, steps } = freshState(config, 3);
  const { parameters } = parameterLayout(config);
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  for (const { name, shape, offset } of parameters) {
    const values = weights.subarray(offset, offset + sizeOf(shape));
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const layer = name.slice(0, name.lastIndexOf("."));
    const matrix = shapes.get(`${layer}.weight`)!;
    if (/zero_conv/.test(name)) expect([name, least, most]).toEqual([name, 0, 0]);
    else if (matrix.length === 1)
      expect([name, least, most]).toEqual([name, ...(name.endsWith("weight") ? [1, 1] : [0, 0])]);
    else {
      const bound = 1 / Math.sqrt(sizeOf(matrix.slice(1)));
      expect(least, name).toBeGreaterThanOrEqual(-bound);
      expect(most, name).toBeLessThanOrEqual(bound);
      if (values.length > 500) expect(most - least, name).toBeGreaterThan(1.97 * bound);
    }
  }
  expect(average).toEqual(weights);
  expect([...firstMoments, ...secondMoments].every((value) => value === 0)).toBe(true);
  expect(steps).toBe(0);
});

test("the seed decides", () => {
  expect(freshState(config, 3)).toEqual(freshState(config, 3));
  expect(freshState(config, 4).weights).not.toEqual(freshState(config, 3).weights);
});

test("a fresh guide is a file that runs, and adds nothing yet", async () => {
  const path = folder.path("guide.safetensors");
  await writeFile(path, writeGuide({ ...config, trainedOn: { "train.by": "a test" } }, freshState(config, 3).weights));
  const file = await readGuideFile(path);
  expect(file.config).toEqual({ ...config, trainedOn: { "train.by": "a test" } });
  const guide = await openGuide(file, { tokens: 24, height: 16, width: 16 }, testRuntime);
  const { randn } = createGenerator(1);
  const residuals = await guide.residuals(
    randn([2, 4, 16, 16]),
    501,
    { text: randn([2, 24, 128]) },
    Float32Array.of(3, 8),
  );
  await guide.close();
  expect(Object.values(residuals).every(({ data }) => data.every((value) => value === 0))).toBe(true);
});

test("a guide that is written again is what it was, tensor by tensor and in its metadata", async () => {
  const before = await readWeights(starter("guide-tiny/guide.safetensors"));
  const { parameters, length } = parameterLayout(config);
  const flat = new Float32Array(length);
  for (const { name, offset } of parameters) flat.set(before.tensors.get(name)!.data, offset);
  const path = folder.path("again.safetensors");
  await writeFile(path, writeGuide(config, flat));
  const after = await readWeights(path);
  expect(after.tensors).toEqual(before.tensors);
  const numbers = (metadata: ReadonlyMap<string, string>) =>
    Object.fromEntries(
      Array.from(metadata, ([key, value]) => [
        key,
        /^\d/.test(value) && key !== "base.sha256" ? Number(value) : value.replaceAll(" ", ""),
      ]),
    );
  expect(numbers(after.metadata)).toEqual(numbers(before.metadata));
});

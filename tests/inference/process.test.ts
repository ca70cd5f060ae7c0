import { cp, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { usual } from "#lib/diffusion/sample-request.ts";
import { AppError } from "#lib/errors.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { type InferenceOptions, InferenceProcess } from "#workers/inference/client.ts";
import type { Progress, SampleJob } from "#workers/inference/messages.ts";
import { temporaryFolder } from "../support/cli.ts";
import { readTensors, starter, testRuntime } from "../support/golden.ts";

const job = (steps: number, pictures = false): SampleJob => ({
  type: "sample",
  runtime: testRuntime,
  choice: { model: starter("storybook"), lowRank: [], guide: null },
  request: {
    ...usual,
    prompt: "a big red house in a meadow",
    negativePrompt: null,
    plan: { mode: "conditional", guidanceScale: 5, cfgSteps: 0 },
    sampler: "ddim",
    steps,
    start: { seed: 5n, batch: 1, batchNoise: "one stream" },
  },
  pictures,
});

let child: InferenceProcess;
beforeEach(() => {
  child = new InferenceProcess();
});
afterEach(() => child.close());

const failureOf = (options: InferenceOptions, steps = 900): Promise<AppError> =>
  child.run(job(steps), options).then(
    () => expect.unreachable("the job should have failed"),
    (failure: AppError) => failure,
  );

/** Calls back once the loop is running. */
const onceDenoising = (then: () => void): NonNullable<InferenceOptions["onProgress"]> => {
  let called = false;
  return ({ stage, done }: Progress) => {
    if (called || stage !== "denoising" || done < 2) return;
    called = true;
    then();
  };
};

test("a model in 70 shards is drawn, and every shard stands in the recipe", async () => {
  const folder = await temporaryFolder();
  await cp(fileURLToPath(new URL("../golden/families/sd1", import.meta.url)), folder.path("many"), { recursive: true });
  const weights = folder.path("many/unet/diffusion_pytorch_model.safetensors");
  const tensors = [...(await readTensors(weights))];
  await rm(weights);
  const shardOf = (i: number): string =>
    `diffusion_pytorch_model-${String((i % 70) + 1).padStart(5, "0")}-of-00070.safetensors`;
  for (const [shard, part] of Map.groupBy(tensors, (_tensor, i) => shardOf(i)))
    await writeFile(folder.path(`many/unet/${shard}`), writeSafetensors(new Map(part)));
  const index = { weight_map: Object.fromEntries(tensors.map(([name], i) => [name, shardOf(i)])) };
  await writeFile(`${weights}.index.json`, JSON.stringify(index));

  const { files } = await child.run({ ...job(2), choice: { model: folder.path("many"), lowRank: [], guide: null } });
  expect(files.filter(({ role }) => role === "unet")).toHaveLength(70);
  await folder.remove();
});

describe("an inference process", () => {
  test("reports every step, with a coarse picture that looks like the finished one", async () => {
    const steps: Progress[] = [];
    const { picture } = await child.run(job(10, true), { onProgress: (progress) => steps.push(progress) });
    expect(steps.filter(({ stage }) => stage === "denoising").map(({ done }) => done)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    const coarse = steps.at(-1)!.picture!;
    expect([coarse.width, coarse.height]).toEqual([16, 16]);
    const apart = (a: Picture, b: Picture): number =>
      a.rgb.reduce((sum, value, i) => sum + Math.abs(value - b.rgb[i]!), 0) / a.rgb.length;
    const small = boxReduced(picture, 8);
    const grey: Picture = { ...small, rgb: new Uint8Array(small.rgb.length).fill(128) };
    expect(apart(coarse, small)).toBeLessThan(apart(grey, small) / 2);
  });

  test("runs one job after another, and refuses a bad one without ending", async () => {
    expect((await failureOf({}, 0)).code).toBe("bad_request");
    expect((await child.run(job(2))).passes).toBe(2);
  });

  test("stops between two passes when asked, and can be used again", async () => {
    const cancel = new AbortController();
    const failure = await failureOf({ signal: cancel.signal, onProgress: onceDenoising(() => cancel.abort()) });
    expect(failure.code).toBe("cancelled");
    expect((await child.run(job(2))).passes).toBe(2);
  });

  test("is killed when it stays silent after being asked to stop", async () => {
    const cancel = new AbortController();
    const freeze = onceDenoising(() => {
      process.kill(child.pid!, "SIGSTOP");
      cancel.abort();
    });
    expect((await failureOf({ signal: cancel.signal, onProgress: freeze })).code).toBe("cancelled");
    expect(() => process.kill(child.pid!, 0)).toThrow();
  });

  test("is killed at its deadline", async () => {
    const failure = await failureOf({ deadline: 700 });
    expect(failure.code).toBe("deadline_passed");
  });

  test("that dies fails its job, saying how it ended", async () => {
    const failure = await failureOf({ onProgress: onceDenoising(() => process.kill(child.pid!, "SIGKILL")) });
    expect(failure).toMatchObject({ code: "inference_died", detail: { signal: "SIGKILL" } });
    await expect(child.run(job(2))).rejects.toMatchObject({ code: "inference_died" });
  });
});

/** Means over factor × factor pixels. */
function boxReduced({ width, height, rgb }: Picture, factor: number): Picture {
  const small = { width: width / factor, height: height / factor, rgb: new Uint8Array(rgb.length / factor / factor) };
  for (let i = 0; i < small.rgb.length; i++) {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % small.width, Math.floor(i / 3 / small.width)];
    let sum = 0;
    for (let dy = 0; dy < factor; dy++)
      for (let dx = 0; dx < factor; dx++) sum += rgb[((y * factor + dy) * width + x * factor + dx) * 3 + channel]!;
    small.rgb[i] = sum / factor ** 2;
  }
  return small;
}

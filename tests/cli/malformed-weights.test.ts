import { stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { usual } from "#lib/diffusion/sample-request.ts";
import { AppError } from "#lib/errors.ts";
import { remedies } from "#lib/weights/safetensors-defects.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { starter, testRuntime } from "../support/golden.ts";
import { corpus } from "../support/safetensors-corpus.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** One file for each defect that a header can have. */
const samples = Object.keys(remedies).map((defect) => corpus.find((file) => file.defect === defect)!);
const written = async ({ id, build }: (typeof samples)[number]): Promise<string> => {
  const path = folder.path(`${id}.safetensors`);
  await writeFile(path, build());
  return path;
};

describe("a low-rank file that cannot be read is told in one sentence naming the file:", () => {
  let child: InferenceProcess;
  beforeAll(() => {
    child = new InferenceProcess();
  });
  afterAll(() => child.close());

  /** What the command line does, without starting two processes for each file. */
  test.for(samples)("$defect ($what)", async (sample) => {
    const lora = await written(sample);
    const job = child.run({
      type: "sample",
      runtime: testRuntime,
      choice: { model: starter("storybook"), lowRank: [{ path: lora, strength: 1 }], guide: null },
      request: {
        ...usual,
        prompt: "a red boat",
        negativePrompt: null,
        plan: { mode: "cfg", guidanceScale: 5, cfgSteps: 0 },
        sampler: "ddim",
        steps: 1,
        start: { seed: 0n, batch: 1, batchNoise: "one stream" },
      },
      pictures: false,
    });
    const failure: unknown = await job.then(
      () => expect.unreachable("it was drawn"),
      (cause: unknown) => cause,
    );
    expect(failure).toBeInstanceOf(AppError);
    const { code, toOperator } = failure as AppError;
    expect(toOperator).toMatch(new RegExp(`^${sample.id}\\.safetensors: .*; .*\\.$`));
    expect(code).toBe("malformed_weights");
  });
});

test.for(samples.filter((_sample, index) => index % 8 === 0))(
  "$defect ($what) ends the command with that sentence, and no picture",
  async (sample) => {
    const [lora, out] = [await written(sample), folder.path("out.png")];
    const { code, stdout, stderr } = await guidepost(
      "sample",
      starter("storybook"),
      "--prompt",
      "a red boat",
      "--steps",
      "1",
      "--lora",
      lora,
      "-o",
      out,
    );
    expect(stderr).toMatch(new RegExp(`^${sample.id}\\.safetensors: .*; .*\\.\\n$`));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    await expect(stat(out)).rejects.toMatchObject({ code: "ENOENT" });
  },
);

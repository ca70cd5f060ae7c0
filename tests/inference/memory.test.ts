import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppError } from "#lib/errors.ts";
import { needToDraw, needToMeasure } from "#lib/catalog/models/needs.ts";
import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { drawingNeed, measuringNeed } from "#lib/diffusion/needs.ts";
import { rowsAtOnce } from "#lib/measure/rows-at-once.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import type { CheckJob, SampleJob } from "#workers/inference/messages.ts";
import { measureMemory, type MemoryCase } from "../../bench/memory.ts";
import { reconfiguredModel } from "../support/altered-model.ts";
import { temporaryFolder } from "../support/cli.ts";
import { starter, testRuntime } from "../support/golden.ts";
import { oneStep } from "../support/one-step.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const guide = starter("guide-tiny/guide.safetensors");
const drawn: MemoryCase = { model: starter("storybook"), guide: null, mode: "cfg", side: 16, batch: 1 };

describe.skipIf(process.platform !== "linux")("what is worked out from shapes", () => {
  test.each<MemoryCase>([
    drawn,
    { ...drawn, guide, mode: "guide", batch: 4 },
    { ...drawn, side: 64 },
    { ...drawn, side: 64, batch: 4 },
  ])(
    "is what a process takes, within a fifth below and a half above: $mode, $side latents, batch $batch",
    async (one) => {
      const { ratio } = await measureMemory(one, 2);
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1.5);
    },
  );
});

const job = (model: string, memory: number, batch = 1): SampleJob => oneStep(model, { memory, batch });

describe("a job that needs more than it may take", () => {
  const failureOf = async (asked: SampleJob | CheckJob): Promise<AppError> => {
    const child = new InferenceProcess();
    try {
      return await child.run(asked).then(
        () => expect.unreachable("it should have been refused"),
        (failure: AppError) => failure,
      );
    } finally {
      child.close();
    }
  };

  test("is refused before anything is opened, saying what for and how much there is", async () => {
    const huge = await reconfiguredModel(folder.path("huge"), "unet/config.json", { sample_size: 256 });
    const failure = await failureOf(job(huge, 1e9));
    expect(failure.code).toBe("too_little_memory");
    expect(failure.message).toMatch(
      /^huge at 2048 × 2048 px needs about \d+\.\d GB of memory, \d+\.\d GB of it for the UNet, and 1\.0 GB may be used here; draw a smaller picture, or let it have more \(GUIDEPOST_MEMORY\) where there is more\.$/,
    );
    const many = await failureOf(job(starter("storybook"), 250e6, 64));
    expect(many.message).toMatch(
      /^storybook at 128 × 128 px, 64 pictures at once, needs .*; draw fewer pictures at once, /,
    );
  });

  test("so is a measurement", async () => {
    const check: CheckJob = {
      type: "check",
      runtime: { ...testRuntime, memory: 200e6 },
      choice: { model: starter("storybook"), lowRank: [], guide },
      base: null,
      evaluators: [],
      prompts: null,
      pictures: 4,
      before: null,
      domain: null,
      kept: null,
    };
    const failure = await failureOf(check);
    expect(failure.code).toBe("too_little_memory");
    expect(failure.message).toMatch(/^Measuring storybook at its own 128 × 128 px needs /);
  });
});

describe("what is told of a model when it is inspected", () => {
  const inspected = async (model: string) => {
    const child = new InferenceProcess();
    try {
      const { needs, nativeSize } = await child.run({ type: "inspect", folder: model });
      return { needs, nativeSize };
    } finally {
      child.close();
    }
  };
  /** As the process that draws finds it, for the mode that takes most beside the guide. */
  const exact = async (side: number, guideFile: string | null, lowRank: readonly string[] = []): Promise<number> => {
    const files = await readModelFiles({
      model: starter("storybook"),
      lowRank: lowRank.map((path) => ({ path, strength: 1 })),
      guide: guideFile,
    });
    const asked = {
      height: side / 8,
      width: side / 8,
      batch: 1,
      coarsePictures: true,
      fromPicture: false,
      cfgLayout: cfgLayoutFor(files.model.unet.weights.parameters),
    };
    return Math.max(
      ...(["conditional", "cfg", "guide"] as const).map((mode) => drawingNeed(files, { ...asked, mode }).peak),
    );
  };

  test("is at least what drawing finds it to need, and at most a half more, at every size, with a guide and with adapters", async () => {
    const base = await inspected(starter("storybook"));
    const ofGuide = await inspected(starter("guide-tiny"));
    const lora = starter("clay-lora/clay.safetensors");
    for (const side of [128, 256, 320, 512, 640, 896, 1024, 1216])
      for (const [withGuide, loras] of [
        [null, []],
        [guide, []],
        [guide, [lora]],
      ] as const) {
        const told = needToDraw(
          { base, guide: withGuide === null ? null : ofGuide, lowRank: loras.map(() => ({ parameters: 100_000 })) },
          { width: side, height: side },
        )!;
        const found = await exact(side, withGuide, loras);
        expect(told.bytes / found, `${side}, ${withGuide ?? "no guide"}`).toBeGreaterThanOrEqual(0.999);
        expect(told.bytes / found, `${side}, ${withGuide ?? "no guide"}`).toBeLessThan(1.5);
        expect(told.what).toMatch(/^\d+(\.\d)? [MG]B of it for the (UNet|VAE's (en|de)coder) at \d+ × \d+ px$/);
      }
  });

  test("and at least what measuring does", async () => {
    const base = await inspected(starter("storybook"));
    const ofGuide = await inspected(starter("guide-tiny"));
    const files = await readModelFiles({ model: starter("storybook"), lowRank: [], guide });
    for (const pictures of [32, 96, 960]) {
      const { parameters } = files.model.unet.weights;
      const rows = rowsAtOnce(parameters);
      const asked = {
        height: 16,
        width: 16,
        rows,
        prompts: pictures,
        cfgLayout: cfgLayoutFor(parameters),
        evaluator: [],
        decodes: false,
      };
      const found = measuringNeed(files, files.guide, asked).peak;
      const told = needToMeasure({ base, guide: ofGuide, lowRank: [] }, pictures)!;
      expect(told.bytes / found, String(pictures)).toBeGreaterThanOrEqual(0.999);
      expect(told.bytes / found, String(pictures)).toBeLessThan(1.5);
    }
  });
});

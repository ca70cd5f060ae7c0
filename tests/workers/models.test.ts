import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { usual } from "#lib/diffusion/sample-request.ts";
import type { AppError } from "#lib/errors.ts";
import { PROCESS_BYTES } from "#lib/diffusion/needs.ts";
import { estimateBytes } from "#workers/hub/model-bytes.ts";
import { createModels, type Models } from "#workers/hub/models.ts";
import type { CheckJob, SampleJob } from "#workers/inference/messages.ts";
import { starter, testRuntime } from "../support/golden.ts";

process.env["LOG_LEVEL"] = "error";

let models: Models;
afterEach(() => models.close());

type Mode = "conditional" | "guide" | "cfg";

const draw = (
  model: string,
  mode: Mode = "conditional",
  more: { guide?: string | null; steps?: number; lowRank?: SampleJob["choice"]["lowRank"] } = {},
): SampleJob => ({
  type: "sample",
  runtime: testRuntime,
  choice: {
    model,
    lowRank: more.lowRank ?? [],
    guide: more.guide === undefined ? starter("guide-tiny/guide.safetensors") : more.guide,
  },
  request: {
    ...usual,
    prompt: "a big red house in a meadow",
    negativePrompt: null,
    plan: { mode, guidanceScale: 5, cfgSteps: 0 },
    sampler: "ddim",
    steps: more.steps ?? 2,
    start: { seed: 5n, batch: 1, batchNoise: "one stream" },
  },
  pictures: true,
});

const measure: CheckJob = {
  type: "check",
  runtime: testRuntime,
  choice: { model: starter("watercolor"), lowRank: [], guide: starter("guide-tiny/guide.safetensors") },
  base: null,
  evaluators: [],
  prompts: null,
  pictures: 1,
  before: null,
  domain: null,
  kept: null,
};

const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have failed"),
    (failure: AppError) => failure,
  );
const isAlive = (pid: number | undefined): boolean => {
  try {
    return process.kill(pid!, 0);
  } catch {
    return false;
  }
};

/** The folders of `from` made anew in `to`, with a link for each file: what a worker makes of a commit. */
async function linkFiles(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    await (entry.isDirectory() ? linkFiles(source, target) : symlink(source, target));
  }
}

describe("a model that was drawn with", () => {
  test("is open for the next picture, in every mode, and draws the same as a new one", async () => {
    models = createModels(5e9);
    const cold = await models.run(draw(starter("watercolor")));
    const guided = await models.run(draw(starter("watercolor"), "guide"));
    const warm = [
      await models.run(draw(starter("watercolor"))),
      await models.run(draw(starter("watercolor"), "cfg")),
      await models.run(draw(starter("watercolor"), "guide")),
    ];
    expect([cold.warm, guided.warm, ...warm.map((result) => result.warm)]).toEqual([false, false, true, true, true]); // the guide was opened for the second
    expect(models.loaded()).toHaveLength(1);
    expect([warm[0]!.picture, warm[2]!.picture]).toEqual([cold.picture, guided.picture]);
    expect(warm[0]!.files).toEqual(cold.files);
    expect(guided.files.map(({ role }) => role)).toContain("guide");
    expect(cold.files.map(({ role }) => role)).not.toContain("guide"); // it did not decide that picture
  });

  test("is known again by its files, under another name and behind links", async () => {
    models = createModels(5e9);
    const folder = await mkdtemp(join(tmpdir(), "guidepost-models-"));
    try {
      const [one, two] = [join(folder, "one"), join(folder, "two")];
      for (const made of [one, two]) await linkFiles(starter("watercolor"), made);
      expect(await models.run(draw(one))).toMatchObject({ warm: false, model: "one" });
      expect(await models.run(draw(two))).toMatchObject({ warm: true, model: "two" });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("with another guide opens only the guide, with a low-rank file is another model", async () => {
    models = createModels(5e9);
    await models.run(draw(starter("storybook"), "guide"));
    const other = await models.run(
      draw(starter("storybook"), "guide", { guide: starter("guide-distilled/guide.safetensors") }),
    );
    expect([other.warm, models.loaded().length]).toEqual([false, 1]);
    await models.run(
      draw(starter("storybook"), "conditional", {
        lowRank: [{ path: starter("neon-lora/neon.safetensors"), strength: 1 }],
      }),
    );
    expect(models.loaded()).toHaveLength(2);
  });

  test("goes first when the budget is used up and it was used least recently", async () => {
    const [one, two] = [starter("storybook"), starter("watercolor")];
    models = createModels(5e9);
    const { bytes } = await models.run(draw(one));
    expect(bytes).toBeGreaterThan(PROCESS_BYTES / 2);
    expect(await estimateBytes(draw(one))).toBeGreaterThan(PROCESS_BYTES);
    models.close();

    models = createModels(2.5 * Math.max(bytes, await estimateBytes(draw(one)))); // room for two
    await models.run(draw(one));
    await models.run(draw(two));
    const [first, second] = models.loaded();
    await models.run(draw(one)); // so that the second is the older now
    const pencil = { lowRank: [{ path: starter("pencil-lora/pencil.safetensors"), strength: 1 }] };
    expect((await models.run(draw(one, "conditional", pencil))).warm).toBe(false);
    expect(models.loaded().map(({ pid }) => pid)).toContain(first!.pid);
    expect(models.loaded().map(({ pid }) => pid)).not.toContain(second!.pid);
    await expect.poll(() => isAlive(second!.pid)).toBe(false);
    expect((await models.run(draw(one))).warm).toBe(true);
    expect((await models.run(draw(two))).warm).toBe(false);
  });

  test("stays beside a child that only reads files, whatever of the memory that may take", async () => {
    const memory = 4e9;
    models = createModels(5e9, memory);
    await models.run(draw(starter("watercolor")), { memory: 1e9 });
    const [drawn] = models.loaded();
    await models.run({ type: "inspect", folder: starter("watercolor") }, { memory });
    expect(models.loaded().map(({ pid }) => pid)).toEqual([drawn!.pid]);
  });

  test("is not kept when it alone is more than the budget", async () => {
    models = createModels(100e6);
    await models.run(draw(starter("watercolor")));
    expect(models.loaded()).toEqual([]);
  });
});

describe("a child", () => {
  test("that is killed fails its job with the reason, and the next job runs", async () => {
    models = createModels(5e9);
    const kill = ({ stage }: { stage: string }): void => {
      if (stage === "denoising" && models.loaded()[0]) process.kill(models.loaded()[0]!.pid!, "SIGKILL");
    };
    expect(
      await failureOf(models.run(draw(starter("watercolor"), "conditional", { steps: 500 }), { onProgress: kill })),
    ).toMatchObject({ code: "inference_died", detail: { signal: "SIGKILL" } });
    expect(models.loaded()).toEqual([]);
    expect((await models.run(draw(starter("watercolor")))).passes).toBe(2);
  });

  test("that is killed while it rests is replaced", async () => {
    models = createModels(5e9);
    await models.run(draw(starter("watercolor")));
    const { pid } = models.loaded()[0]!;
    process.kill(pid!, "SIGKILL");
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect((await models.run(draw(starter("watercolor")))).warm).toBe(false);
  });

  test("that was cancelled stays open; one that failed does not", async () => {
    models = createModels(5e9);
    const cancel = new AbortController();
    const stop = ({ stage }: { stage: string }): void => {
      if (stage === "denoising") cancel.abort();
    };
    expect(
      (
        await failureOf(
          models.run(draw(starter("watercolor"), "conditional", { steps: 500 }), {
            onProgress: stop,
            signal: cancel.signal,
          }),
        )
      ).code,
    ).toBe("cancelled");
    expect((await models.run(draw(starter("watercolor")))).warm).toBe(true);
    expect((await failureOf(models.run(draw(starter("watercolor"), "guide", { guide: null })))).code).toBe(
      "bad_request",
    );
    expect(models.loaded()).toEqual([]);
  });

  test("that measures steps back as far as it is told, and ends with its job", async () => {
    models = createModels(5e9);
    let niceness = 0;
    const stop = new AbortController();
    const look = (): void => {
      niceness = getPriority(models.loaded()[0]!.pid!);
      stop.abort();
    };
    expect((await failureOf(models.run(measure, { niceness: 7, onProgress: look, signal: stop.signal }))).code).toBe(
      "cancelled",
    );
    expect([niceness, models.loaded()]).toEqual([7, []]);
  });

  test("knows no secret and stands in an empty folder of its own", async () => {
    const secrets = {
      DATABASE_URL: "postgresql://secret@localhost/guidepost",
      S3_SECRET_ACCESS_KEY: "secret",
      GUIDEPOST_SECRET: "secret secret secret secret secret!!",
      AWS_SESSION_TOKEN: "secret",
    };
    Object.assign(process.env, secrets);
    try {
      models = createModels(5e9);
      await models.run(draw(starter("watercolor")));
      const { pid } = models.loaded()[0]!;
      const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      expect(variables.join()).not.toContain("secret");
      expect(
        variables
          .map((variable) => variable.split("=")[0])
          .filter((name) => /DATABASE|S3|AWS|GUIDEPOST|SECRET|TOKEN/.test(name!)),
      ).toEqual([]);
      expect(realpathSync(`/proc/${pid}/cwd`)).toMatch(/guidepost-inference-/);
      expect(readdirSync(`/proc/${pid}/cwd`)).toEqual([]);
      expect(realpathSync(`/proc/${pid}/fd/0`)).toBe("/dev/null");
    } finally {
      for (const name of Object.keys(secrets)) delete process.env[name];
    }
  });
});

import { appendFile, mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { cp } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { distill, type DistillRequest } from "#lib/distill/distill.ts";
import type { DistillRecord } from "#lib/distill/output/record.ts";
import type { DistillProgress, Tell } from "#lib/distill/progress.ts";
import { type GuideChoice, usualChoice } from "#lib/pairing/guide-choice.ts";
import { AppError } from "#lib/errors.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { testRuntime } from "../../support/golden.ts";
import { openPlainStep } from "../../support/plain-training-step.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const base = "tests/golden/families/sd1";
const choice: GuideChoice = { ...usualChoice, share: 0.5, steps: 6, batch: 4, trajectories: 4 };
const prompts = { source: "a test", prompts: ["a red house", "a boat at sea", "a tree"] };
let count = 0;
const fresh = (): string => folder.path(`guide-${count++}`);

const request = (output: string, changed: Partial<DistillRequest> = {}): DistillRequest => ({
  model: base,
  config: null,
  output,
  begin: { choice, prompts },
  checkpointSeconds: 3600,
  memory: 4e9,
  samples: false,
  ...changed,
});
const goOn = (output: string): DistillRequest => request(output, { model: null, begin: null });
const silent: Tell = async () => {};
const run = (asked: DistillRequest, tell = silent): Promise<DistillRecord> =>
  distill(asked, testRuntime, openPlainStep, tell);

/** Stops a run as Ctrl-C does, when something is told of it. */
const stopWhen =
  (isIt: (progress: DistillProgress) => boolean): Tell =>
  async (progress) => {
    if (isIt(progress)) throw new AppError("cancelled", "The work was cancelled; nothing was written.");
  };
const atStep =
  (step: number) =>
  ({ stage, done }: DistillProgress): boolean =>
    stage === "training" && done === step;

const stopped = async (work: Promise<unknown>): Promise<string> => {
  const failure = await work.then(
    () => null,
    (one: unknown) => one,
  );
  expect(failure).toMatchObject({ code: "cancelled" });
  return (failure as AppError).message;
};

describe("a run", () => {
  let output: string;
  let record: DistillRecord;
  const told: DistillProgress[] = [];
  beforeAll(async () => {
    output = fresh();
    record = await run(request(output), async (progress) => void told.push(progress));
  });

  test("ends with a folder that can be published, and nothing else in it", async () => {
    expect((await readdir(output)).toSorted()).toEqual(
      ["README.md", "curves.csv", "curves.svg", "guide.safetensors", "prompts.txt", "record.json"].toSorted(),
    );
    const guide = await readGuideFile(`${output}/guide.safetensors`);
    expect(guide.config).toMatchObject({
      widths: record.guide.widths,
      minGuidance: 1,
      maxGuidance: 8,
      referenceGuidance: 5,
    });
    expect(guide.weights.parameters).toBe(record.guide.parameters);
    expect(guide.config.base.sha256).toBe(await sha256OfFile(`${base}/unet/diffusion_pytorch_model.safetensors`));
    expect(record.base).toMatchObject({
      sha256: guide.config.base.sha256,
      sha256After: guide.config.base.sha256,
      trainable: 0,
    });
    expect(record.guide.sha256).toBe(await sha256OfFile(`${output}/guide.safetensors`));
    expect(JSON.parse(await readFile(`${output}/record.json`, "utf8"))).toEqual(record);
  });

  test("says where nothing of this machine is", async () => {
    for (const name of await readdir(output))
      expect(await readFile(`${output}/${name}`, "utf8")).not.toContain(process.cwd());
  });

  test("says its cost before all else, and each step after it", () => {
    const [first, ...rest] = told;
    expect(first!.plan).toMatchObject({
      base: { name: "sd1", parameters: 52_004 },
      states: { walks: 4, count: 4 * 22, passes: 2 * 4 * 22 },
      training: { steps: 6, batch: 4 },
      seconds: { states: expect.any(Number), training: expect.any(Number) },
    });
    expect(first!.plan!.disk.need).toBeLessThan(first!.plan!.disk.free);
    expect(rest.filter(({ stage }) => stage === "training").map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rest.at(-1)!.figures).toMatchObject({ loss: expect.any(Number), fvu: expect.any(Number) });
  });

  test("has a line of its curves for each step, and what was held out where it was looked at", async () => {
    const lines = (await readFile(`${output}/curves.csv`, "utf8"))
      .trim()
      .split("\r\n")
      .map((line) => line.split(","));
    expect(lines[0]).toEqual(["step", "loss", "gradient norm", "learning rate", "unexplained", "delivered", "cosine"]);
    expect(lines.slice(1).map(([step]) => step)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(lines.slice(1).map((line) => line[4] !== "")).toEqual([false, true, false, true, false, true]);
    expect(Number(lines.at(-1)![4])).toBe(record.heldOut.fvu);
  });

  test.each([
    ["while the base draws", ({ stage, done }: DistillProgress) => stage === "states" && done === 12],
    ["after the third step", atStep(3)],
    ["while it is measured", ({ stage, done }: DistillProgress) => stage === "held-out" && done === 7],
    ["after its last step", atStep(6)],
  ])("that is stopped %s goes on to the very same guide", async (_when, isIt) => {
    const other = fresh();
    const sentence = await stopped(run(request(other), stopWhen(isIt)));
    expect(sentence).toMatch(new RegExp(`go on with: npx guidepost distill --resume ${other}\\.$`));
    const again = await run(goOn(other));
    expect(again.guide.sha256).toBe(record.guide.sha256);
    expect(await readFile(`${other}/curves.csv`, "utf8")).toBe(await readFile(`${output}/curves.csv`, "utf8"));
    expect(again.heldOut).toEqual(record.heldOut);
  });

  test("that is stopped at every single step does, too", async () => {
    const other = fresh();
    await stopped(run(request(other), stopWhen(atStep(1))));
    for (const step of [2, 3, 4, 5, 6]) await stopped(run(goOn(other), stopWhen(atStep(step))));
    expect((await run(goOn(other))).guide.sha256).toBe(record.guide.sha256);
  });

  test("with another seed, or another list of prompts, makes another guide", async () => {
    const seeded = await run(request(fresh(), { begin: { choice: { ...choice, seed: 2 }, prompts } }));
    const asked = await run(
      request(fresh(), { begin: { choice, prompts: { ...prompts, prompts: ["a big tree", "a star", "x"] } } }),
    );
    expect(new Set([record, seeded, asked].map(({ guide }) => guide.sha256)).size).toBe(3);
  });
});

describe("the last good checkpoint stays", () => {
  test("where the loss is not a number any more", async () => {
    const output = fresh();
    const hot = { ...choice, learningRate: 1e30 };
    await stopped(run(request(output, { begin: { choice: hot, prompts } }), stopWhen(atStep(1))));
    const before = await sha256OfFile(`${output}/run/checkpoint.safetensors`);
    await expect(run({ ...goOn(output), checkpointSeconds: 0 })).rejects.toMatchObject({
      code: "not_finite",
      message: expect.stringMatching(
        /is not a number after step \d, .* begin anew with a smaller --learning-rate\. What was before is kept\.$/,
      ),
    });
    expect((await readdir(`${output}/run`)).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
    expect(await readdir(output)).toEqual(["run"]);
    void before;
  });

  test("where the base changed under it", async () => {
    const own = folder.path("base-that-changes");
    await cp(base, own, { recursive: true });
    const output = fresh();
    const weights = `${own}/unet/diffusion_pytorch_model.safetensors`;
    const whole = await readFile(weights);
    const asked = request(output, { model: own, checkpointSeconds: 0 });
    const change: Tell = async (progress) => {
      if (!atStep(4)(progress)) return;
      const changed = Buffer.from(whole);
      changed[changed.length - 1]! ^= 1;
      await writeFile(weights, changed);
    };
    await expect(run(asked, change)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(
        /^The base changed while a guide was made of it \(.*diffusion_pytorch_model.safetensors is not what it was\), so none was written; put the file back and go on with: /,
      ),
    });
    await expect(run(goOn(output))).rejects.toThrow("is not what that was");
    await writeFile(weights, whole);
    const record = await run(goOn(output));
    expect(record.base.sha256After).toBe(await sha256OfFile(weights));
  });

  test("and a base that was only touched goes on", async () => {
    const own = folder.path("base-that-is-touched");
    await cp(base, own, { recursive: true });
    const touch: Tell = (progress) =>
      atStep(3)(progress) ? utimes(`${own}/unet/diffusion_pytorch_model.safetensors`, 1, 1) : Promise.resolve();
    await run(request(fresh(), { model: own, checkpointSeconds: 0 }), touch);
  });

  test("where a piece of the base's states was cut short it is drawn again", async () => {
    const [output, other] = [fresh(), fresh()];
    const { guide } = await run(request(output));
    await stopped(run(request(other), stopWhen(atStep(2))));
    const piece = `${other}/run/states/0.safetensors`;
    await writeFile(piece, (await readFile(piece)).subarray(0, 5000));
    expect((await run(goOn(other))).guide.sha256).toBe(guide.sha256);
  });
});

describe("refused in a sentence with the way out", () => {
  const refusal = async (asked: DistillRequest): Promise<string> => {
    const failure = await run(asked).then(
      () => null,
      (one: unknown) => one,
    );
    expect(failure).toBeInstanceOf(AppError);
    return (failure as AppError).message;
  };
  const choosing = (changed: Partial<GuideChoice>): DistillRequest =>
    request(fresh(), { begin: { choice: { ...choice, ...changed }, prompts } });

  test.each([
    [
      "a range below 1",
      { guidance: { low: 0.5, high: 8 } },
      "The guidance 0.5 to 8 begins below 1, where there is less than no guidance; give a range such as 1-8.",
    ],
    [
      "a range reversed",
      { guidance: { low: 8, high: 2 } },
      "The guidance 8 to 2 is reversed; give a range such as 1-8.",
    ],
    [
      "no range",
      { guidance: { low: 3, high: 3 } },
      "The guidance 3 to 3 is a single strength, and a guide is trained on a range; give a range such as 1-8.",
    ],
    [
      "a range of what is no number",
      { guidance: { low: NaN, high: 3 } },
      "The guidance NaN to 3 begins below 1, where there is less than no guidance; give a range such as 1-8.",
    ],
    [
      "a share too small",
      { share: 0.01 },
      /^A share of 0.01 of sd1 is 520 parameters, and the narrowest guide for it has \d+; ask for --share 0\.\d+ or more\.$/,
    ],
    ["a share that is none", { share: 0 }, /^The share 0 of the base's parameters is not above 0 and at most 0.5;/],
    ["a share of everything", { share: 2 }, /^The share 2 of the base's parameters is not above 0 and at most 0.5;/],
  ])("%s", async (_what, changed, sentence) => {
    const asked = choosing(changed);
    expect(await refusal(asked)).toMatch(sentence);
    await expect(readdir(asked.output)).rejects.toThrow("ENOENT"); // and nothing is left of it
  });

  test("no prompts", async () => {
    const asked = request(fresh(), { begin: { choice, prompts: { source: "prompts.txt", prompts: [] } } });
    expect(await refusal(asked)).toBe(
      "prompts.txt holds no prompts, and a base is asked to draw some; write one a line.",
    );
  });

  test("no base, and a base without a UNet", async () => {
    expect(await refusal(request(fresh(), { model: null }))).toBe(
      "Which base? Write: npx guidepost distill BASE -o FOLDER.",
    );
    const own = folder.path("no-unet");
    await cp(base, own, { recursive: true });
    await rm(`${own}/unet`, { recursive: true });
    expect(await refusal(request(fresh(), { model: own }))).toMatch(
      /^no-unet has no UNet \(unet\/config.json is missing\); give a diffusers folder/,
    );
  });

  test("too little memory, with the numbers, before anything is made", async () => {
    const asked = request(fresh(), { memory: 10e6 });
    expect(await refusal(asked)).toMatch(
      /^To distil a guide of sd1 needs about \d+ MB of memory, \d+ MB of it for .*, and 10 MB may be used here; /,
    );
    expect(await readdir(asked.output).catch(() => [])).toEqual([]);
  });

  test("too little disk, with the numbers", async () => {
    const many = { ...choice, trajectories: 10_000_000 };
    expect(await refusal(request(fresh(), { begin: { choice: many, prompts } }))).toMatch(
      /^The run needs [\d.]+ GB of disk in .*, and [\d.]+ GB are free; make room, give a folder on another disk, or ask for fewer --trajectories\.$/,
    );
  });

  test("a folder that is in use", async () => {
    const [full, file] = [fresh(), fresh()];
    await mkdir(full);
    await writeFile(`${full}/my-thesis.txt`, "");
    expect(await refusal(request(full))).toBe(
      `${full} is in use: my-thesis.txt is in it; give a folder that is empty or not there yet.`,
    );
    await writeFile(file, "");
    expect(await refusal(request(file))).toBe(`${file} is a file; give a folder that is empty or not there yet.`);
    const begun = fresh();
    await stopped(run(request(begun), stopWhen(atStep(1))));
    expect(await refusal(request(begun))).toBe(
      `${begun} holds a run that was begun; go on with it by --resume ${begun}, or give another folder.`,
    );
  });

  test("a run that another process is at, and not one whose process is gone", async () => {
    const output = fresh();
    let second: string | null = null;
    const record = await run(request(output), async (progress) => {
      if (atStep(2)(progress)) second = await refusal(goOn(output));
    });
    expect(second).toMatch(new RegExp(`^${output} is in use: process ${process.pid} distils a guide in it; `));
    const other = fresh();
    await stopped(run(request(other), stopWhen(atStep(2))));
    await mkdir(`${other}/run/lock/999999999`, { recursive: true }); // no process has such a number
    expect((await run(goOn(other))).guide.sha256).toBe(record.guide.sha256);
  });

  test("nothing to go on with", async () => {
    const output = fresh();
    expect(await refusal(goOn(output))).toBe(
      `${output} has no run to go on with; begin one with guidepost distill BASE -o FOLDER.`,
    );
    await run(request(output));
    expect(await refusal(goOn(output))).toBe(
      `${output} has a finished guide, and nothing to go on with; begin one with guidepost distill BASE -o FOLDER.`,
    );
  });

  test("the run of another base", async () => {
    const output = fresh();
    await stopped(run(request(output), stopWhen(atStep(2))));
    expect(await refusal({ ...goOn(output), model: "tests/golden/families/sd2" })).toMatch(
      new RegExp(
        `^The run in ${output} is of sd1 \\(UNet sha256 [0-9a-f]{12}…\\), and .*sd2 is not what that was: .* differs; give the base that it was begun with\\.$`,
      ),
    );
    await appendFile(`${output}/run/run.json`, "x");
    expect(await refusal(goOn(output))).toMatch(/run\.json/);
  });

  test("a base that has moved is found where it is now", async () => {
    const [own, moved, output] = [folder.path("here"), folder.path("there"), fresh()];
    await cp(base, own, { recursive: true });
    await stopped(run(request(output, { model: own }), stopWhen(atStep(2))));
    await cp(own, moved, { recursive: true });
    await rm(own, { recursive: true });
    expect(await refusal(goOn(output))).toMatch(/here does not exist; check the path\.$/);
    await run({ ...goOn(output), model: moved });
  });
});

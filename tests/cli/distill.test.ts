import { spawn } from "node:child_process";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import type { DistillRecord } from "#lib/distill/output/record.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { type Finished, finished, guidepost, startGuidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";
import { until } from "../support/until.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let prompts: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  prompts = folder.path("prompts.txt");
  await writeFile(prompts, "a red house\na boat at sea\na tree\n");
});
afterAll(() => folder.remove());

const base = fileURLToPath(new URL("../golden/families/sd1", import.meta.url));
let count = 0;
const fresh = (): string => folder.path(`guide-${count++}`);
const small = (): string[] => [
  "--share",
  "0.5",
  "--batch",
  "4",
  "--trajectories",
  "4",
  "--prompts",
  prompts,
  "--threads",
  "1",
];
const beginning = (output: string, steps: number, ...more: string[]): string[] => [
  "distill",
  base,
  "-o",
  output,
  ...small(),
  "--steps",
  String(steps),
  "--checkpoint-every",
  "0",
  ...more,
];
const goingOn = (output: string): string[] => [
  "distill",
  "--resume",
  output,
  "--threads",
  "1",
  "--checkpoint-every",
  "0",
];

/** How many steps the checkpoint of a run has. */
async function stepsKept(output: string): Promise<number> {
  const file = await readWeightsFile(`${output}/run/checkpoint.safetensors`).catch(() => null);
  return Number(file?.header.metadata.get("steps") ?? 0);
}

/** The process that makes a guide there, which is not the one that was started. */
const worker = async (output: string): Promise<number> => Number((await readdir(`${output}/run/lock`))[0]);

async function made(finish: Finished): Promise<DistillRecord> {
  expect({ code: finish.code, stderr: finish.stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(finish.stdout) as { record: DistillRecord }).record;
}

describe("guidepost distill", () => {
  const steps = 8;
  let whole: DistillRecord;
  let output: string;
  beforeAll(async () => {
    output = fresh();
    whole = await made(await guidepost(...beginning(output, steps, "--json")));
  });

  test("makes a guide that draws, and learns what CFG adds", async () => {
    const guide = `${output}/guide.safetensors`;
    const { weights } = await readGuideFile(guide);
    expect(weights.parameters).toBe(whole.guide.parameters);
    const picture = folder.path("drawn.png");
    const drawn = await guidepost(
      "sample",
      base,
      "--guide",
      guide,
      "--prompt",
      "a tree",
      "--steps",
      "2",
      "-o",
      picture,
    );
    expect({ code: drawn.code, stderr: drawn.stderr }).toEqual({ code: 0, stderr: "" });
    expect((await stat(picture)).size).toBeGreaterThan(100);
    const losses = (await readFile(`${output}/curves.csv`, "utf8"))
      .trim()
      .split("\r\n")
      .slice(1)
      .map((line) => Number(line.split(",")[1]));
    expect(losses).toHaveLength(steps);
  });

  test("says what it will cost before it begins, and what it came to", async () => {
    const { code, stdout, stderr } = await guidepost(...beginning(fresh(), 2));
    expect(code).toBe(0);
    for (const line of [
      /^base +sd1, 52,004 parameters, all frozen; sha256 [0-9a-f]{64}$/m,
      /^guide +small, widths /m,
      /^states +88 of 4 walks/m,
      /^training +2 steps of 4$/m,
      /^memory +about \d+ MB of /m,
      /^disk +\d+ MB while it runs, .* are free$/m,
      /^time +about \d+ s: /m,
    ])
      expect(stderr).toMatch(line);
    expect(stdout).toMatch(/^Wrote .*guide\.safetensors: [\d,]+ parameters, [\d.]+% of sd1, sha256 [0-9a-f]{64}$/m);
    expect(stdout).toMatch(/held out +unexplained \d\.\d{3} +delivered -?\d\.\d{3}/);
  });

  test("leaves a checkpoint at Ctrl-C, says the command that goes on, and ends in the very same weights", async () => {
    const other = fresh();
    const child = startGuidepost(...beginning(other, steps));
    const ending = finished(child);
    await until(
      () => stepsKept(other),
      (kept) => kept >= 3,
    );
    child.kill("SIGINT");
    const { code, stderr } = await ending;
    expect(code).toBe(130);
    const [, step] = /Stopped at step (\d+) of 8; go on with: npx guidepost distill --resume .*\.\n$/.exec(stderr)!;
    expect(await stepsKept(other)).toBe(Number(step));
    const again = await made(await guidepost(...goingOn(other), "--json"));
    expect(again.guide.sha256).toBe(whole.guide.sha256);
  });

  test("killed again and again, without a word, ends in the very same weights", async () => {
    const other = fresh();
    for (const least of [1, 3, 5]) {
      const isBegun = await stat(`${other}/run/run.json`).then(
        () => true,
        () => false,
      );
      const started = startGuidepost(...(isBegun ? goingOn(other) : beginning(other, steps)));
      const ending = finished(started);
      await until(
        () => stepsKept(other),
        (kept) => kept >= least,
      );
      process.kill(await worker(other), "SIGKILL");
      expect((await ending).code).toBe(1);
    }
    const kept = await stepsKept(other);
    expect(kept).toBeGreaterThanOrEqual(5);
    const again = await made(await guidepost(...goingOn(other), "--json"));
    expect(again.guide.sha256).toBe(whole.guide.sha256);
    expect(await readdir(other)).not.toContain("run");
  });

  test("on a full disk keeps the last good checkpoint, and goes on when there is room", async () => {
    const other = fresh();
    const ended = startGuidepost(...beginning(other, steps));
    const ending = finished(ended);
    await until(
      () => stepsKept(other),
      (kept) => kept >= 2,
    );
    ended.kill("SIGINT");
    await ending;
    const kept = await sha256OfFile(`${other}/run/checkpoint.safetensors`);
    const { size } = await stat(`${other}/run/checkpoint.safetensors`);
    const { code, stderr } = await withFilesOfAtMost(size - 1024, ...goingOn(other));
    expect(code).toBe(2);
    expect(stderr).toMatch(/The disk of .* is full; make room and go on with: npx guidepost distill --resume .*\.\n$/);
    expect(await sha256OfFile(`${other}/run/checkpoint.safetensors`)).toBe(kept);
    expect((await readdir(`${other}/run`)).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
    const again = await made(await guidepost(...goingOn(other), "--json"));
    expect(again.guide.sha256).toBe(whole.guide.sha256);
  });

  test("stops where the loss is no number", async () => {
    const other = fresh();
    const { code, stderr } = await guidepost(...beginning(other, steps, "--learning-rate", "1e38"));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /is not a number after step \d+, most often because the steps are too large; begin anew with a smaller --learning-rate/,
    );
  });
});

/** Writing beyond that fails as it does on a full disk, with another name. */
function withFilesOfAtMost(bytes: number, ...args: readonly string[]): Promise<Finished> {
  const main = fileURLToPath(new URL("../../workers/cli/main.ts", import.meta.url));
  const command = `ulimit -f ${Math.floor(bytes / 512)}; exec "$0" "$@"`; // in blocks, as POSIX has it
  return finished(spawn("sh", ["-c", command, process.execPath, main, ...args], { stdio: ["ignore", "pipe", "pipe"] }));
}

describe("is refused in one sentence", () => {
  test.each([
    [
      "a low-rank file as the base",
      () => [starter("clay-lora/clay.safetensors"), "-o", fresh()],
      /^clay\.safetensors is a low-rank fine-tune, which changes a base and draws nothing by itself; distil its base, /,
    ],
    ["its folder", () => [starter("clay-lora"), "-o", fresh()], /^clay-lora is a low-rank fine-tune, /],
    ["a guide", () => [starter("guide-tiny"), "-o", fresh()], /^guide-tiny is a guide already; give the base /],
    [
      "an evaluator",
      () => [starter("evaluator/evaluator.safetensors"), "-o", fresh()],
      /^evaluator\.safetensors is not a checkpoint that is known here; /,
    ],
    [
      "a UNet alone",
      () => [starter("storybook/unet"), "-o", fresh()],
      /^unet has no UNet \(unet\/config\.json is missing\); give a diffusers folder, /,
    ],
    ["what is not there", () => [folder.path("nothing"), "-o", fresh()], /nothing does not exist/],
    ["no base", () => ["-o", fresh()], /^Which base\? /],
    ["no folder", () => [base], /^Where should the guide go\? Name a folder with -o, /],
    ["a reversed range", () => [base, "-o", fresh(), "--guidance", "8-2"], /^The guidance 8 to 2 is reversed; /],
    ["a range below 1", () => [base, "-o", fresh(), "--guidance", "0-8"], /^The guidance 0 to 8 begins below 1, /],
    [
      "a range below nothing",
      () => [base, "-o", fresh(), "--guidance", "-3-8"],
      /^The guidance -3 to 8 begins below 1, /,
    ],
    [
      "no range",
      () => [base, "-o", fresh(), "--guidance", "5"],
      /^--guidance is "5", which is no range; write one such as 1-8\.$/,
    ],
    [
      "a share too small",
      () => [starter("storybook"), "-o", fresh(), "--share", "0.001"],
      /ask for --share 0\.0035 or more\.$/,
    ],
    ["no steps", () => [base, "-o", fresh(), "--steps", "0"], /^--steps is 0; it must be a whole number from 1 to /],
    [
      "a run that is not there",
      () => ["--resume", folder.path("nothing")],
      /has no run to go on with; begin one with guidepost distill BASE -o FOLDER\.$/,
    ],
    [
      "another recipe for a run that goes on",
      () => ["--resume", folder.path("nothing"), "--steps", "5"],
      /^--steps was decided when the run in .* began; leave it out, /,
    ],
  ] as const)("%s", async (_what, args, sentence) => {
    const { code, stdout, stderr } = await guidepost("distill", ...args());
    expect(stderr.trimEnd()).toMatch(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test("an empty list of prompts", async () => {
    await writeFile(folder.path("none.txt"), "\n  \n");
    const { code, stderr } = await guidepost("distill", base, "-o", fresh(), "--prompts", folder.path("none.txt"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/none\.txt holds no prompts; write one a line\.\n$/);
  });

  test("too little memory, with the numbers", async () => {
    process.env.GUIDEPOST_MEMORY = "100000000";
    try {
      const { code, stderr } = await guidepost("distill", starter("storybook"), "-o", fresh());
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /needs about \d+ MB of memory, \d+ MB of it for the training, and 100 MB may be used here; /,
      );
    } finally {
      delete process.env.GUIDEPOST_MEMORY;
    }
  });

  test("a folder in use", async () => {
    const output = fresh();
    await made(await guidepost(...beginning(output, 1, "--json")));
    const { code, stderr } = await guidepost(...beginning(output, 1));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /is in use: README\.md, curves\.csv, curves\.svg, … is in it; give a folder that is empty or not there yet\.\n$/,
    );
    await rm(output, { recursive: true });
  });
});

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { interleave, ratio } from "../../bench/interleave.ts";
import type { RequestsResult } from "../../bench/requests.ts";
import { SizedFile } from "../../bench/sized-file.ts";
import type { TransferResult } from "../../bench/transfer.ts";

const main = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

const BUILD_MS = 400_000; // the first hub builds the pages

describe("bench", () => {
  test("prints one JSON object with exact costs beside the times", async () => {
    const { stdout } = await run("guide", "--model", "starter", "--rounds", "2", "--json", "-");
    const { machine, results } = JSON.parse(stdout);
    expect(machine.runtime).toMatch(/^onnxruntime-node \d/);
    const { loop, image, cfgLayout } = results.starter.guide;
    expect(loop.map((row: { what: string }) => row.what)).toEqual([
      "conditional",
      "guide",
      "CFG, one batch of two",
      "CFG, two passes",
    ]);
    expect(loop.map((row: { macs: number }) => row.macs)).toEqual([0.5, expect.closeTo(0.5046, 4), 1, 1]);
    expect(loop.find((row: { what: string }) => row.what === `CFG, ${cfgLayout}`).time).toMatchObject({
      value: 1,
      low: 1,
      high: 1,
      n: 2,
    });
    expect(image).toHaveLength(3);
  });

  test(
    "requests: every endpoint beside what Next itself can do",
    async () => {
      const { stdout } = await run("requests", "--rounds", "1", "--seconds", "1", "--repos", "200", "--json", "-");
      const { rows, repos } = JSON.parse(stdout).results.hub.requests as RequestsResult;
      expect(repos).toBe(200);
      expect(rows.map(({ what }) => what)).toEqual([
        "node:http",
        "Next, a route that asks nothing",
        "list of repos",
        "page of a repo",
        "resolve, small file",
        "resolve, to the store",
      ]);
      for (const { perSecond, share, p50, p99, requests } of rows) {
        expect(requests).toBeGreaterThan(0);
        expect(perSecond.median).toBeGreaterThan(0);
        expect(share.median).toBeGreaterThan(0);
        expect(p99.median).toBeGreaterThanOrEqual(p50.median);
      }
      expect(rows[1]!.share).toEqual({ median: 1, min: 1, max: 1 });
    },
    BUILD_MS,
  );

  test(
    "transfer: a file up and down, beside the disk and sha256",
    async () => {
      const { stdout } = await run("transfer", "--rounds", "1", "--size", "64MB", "--json", "-");
      const { size, rows, memory } = JSON.parse(stdout).results.hub.transfer as TransferResult;
      expect(size).toBe(64e6);
      expect(rows.map(({ step, share }) => [step, share !== null])).toEqual([
        ["write", false],
        ["read", false],
        ["sha256", false],
        ["upload", true],
        ["complete", true],
        ["verify", true],
        ["download", true],
      ]);
      expect(rows.every(({ megabytesPerSecond }) => megabytesPerSecond.median > 0)).toBe(true);
      expect(Object.keys(memory)).toEqual(["before", "upload", "complete", "verify", "download"]);
      expect(memory.before.median).toBeGreaterThan(10);
    },
    BUILD_MS,
  );

  // `start` builds the pages of a copy of the checkout, which takes a minute; tests/start starts hubs as it does.

  test("an unknown name is one sentence", async () => {
    await expect(run("speed")).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^There is no bench "speed"; choose one of guide, .*, or all\.\n$/),
    });
  });

  test("a file that is made on the way is a sound one, whole or in parts", () => {
    const file = new SizedFile(20e6);
    const whole = Buffer.concat([...file.pieces()]);
    expect(whole).toHaveLength(20e6);
    const header = JSON.parse(whole.toString("utf8", 8, 8 + Number(whole.readBigUInt64LE())));
    expect(header.w).toMatchObject({ dtype: "U8", shape: [20e6 - 128], data_offsets: [0, 20e6 - 128] });
    for (const [begin, end] of [
      [0, 100],
      [100, 200],
      [128, 129],
      [9e6 - 1, 17e6 + 3],
      [17e6, 20e6],
    ] as const) {
      expect(Buffer.concat([...file.pieces(begin, end)]).equals(whole.subarray(begin, end))).toBe(true);
    }
  });

  test("everything takes its turn in every round, first and last alike", async () => {
    const order: string[] = [];
    const subject = (name: string) => async (): Promise<void> => void order.push(name);
    const times = await interleave({ a: subject("a"), b: subject("b"), c: subject("c") }, 3);
    expect(order.join("")).toBe("abcbcacababc");
    expect(times.a).toHaveLength(3);
  });

  test("a ratio is taken within rounds, so that a slow round does not move it", () => {
    expect(ratio([1, 10, 2], [2, 20, 4])).toMatchObject({ value: 0.5, low: 0.5, high: 0.5, n: 3 });
  });
});

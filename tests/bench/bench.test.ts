import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { interleave, ratio } from "../../bench/interleave.ts";

const main = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

describe("bench", () => {
  test("prints one JSON object with exact costs beside the times", async () => {
    const { stdout } = await run("guide", "--model", "starter", "--rounds", "2", "--json", "-");
    const { machine, results } = JSON.parse(stdout);
    expect(machine.runtime).toMatch(/^onnxruntime-node \d/);
    const { loop, image, cfgLayout } = results.starter.guide;
    expect(loop.map((row: { what: string }) => row.what)).toEqual(["conditional", "guide", "CFG, one batch of two", "CFG, two passes"]);
    expect(loop.map((row: { macs: number }) => row.macs)).toEqual([0.5, expect.closeTo(0.5046, 4), 1, 1]);
    expect(loop.find((row: { what: string }) => row.what === `CFG, ${cfgLayout}`).time).toMatchObject({ value: 1, low: 1, high: 1, n: 2 });
    expect(image).toHaveLength(3);
  });

  test("an unknown name is one sentence", async () => {
    await expect(run("speed")).rejects.toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/^There is no bench "speed"; choose one of guide, .*, or all\.\n$/) });
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

import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/support/longest-first.ts";

/** What needs no browser, no database, no store and no process of its own. It comes first, and ends within two minutes. */
const alone = [
  "app",
  "bench",
  "diffusion",
  "distill",
  "families",
  "inspection",
  "measure",
  "nn",
  "onnx",
  "pairing",
  "picture",
  "prompt",
  "tensor",
  "util",
  "weights",
].map((folder) => `tests/unit/${folder}/**/*.test.ts`);
alone.push("tests/unit/*.test.ts");

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: "./tests/support/global-setup.ts",
    pool: "forks",
    maxWorkers: 2, // vitest itself leaves one of two processors idle, and half of a run waits for browsers and child processes
    sequence: { sequencer: LongestFirst },
    // Each ends what hangs, and hurries nobody: a machine that does other work takes many times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    reporters: ["default", "./tests/support/summary-reporter.ts"],
    projects: [
      { extends: true, test: { name: "alone", include: alone, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: { name: "services", include: ["tests/**/*.test.ts"], exclude: alone, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { hashesOf } from "../../bench/conformance/hashes.ts";
import { goldenFolder, makers, nameOf, withoutMaker } from "../../bench/conformance/makers.ts";
import { readRecord } from "../../bench/conformance/record.ts";

const record = await readRecord();
const again = (topic: string): string =>
  `run npm run conformance -- --only ${topic} and commit tests/golden/conformance.json`;

test.each(makers)("the record is of $topic/$script and its golden files as they are", async (maker) => {
  const { maker: script, outputs } = record?.makers[nameOf(maker)] ?? {};
  expect({ maker: script, outputs }, again(maker.topic)).toEqual(await hashesOf(maker));
});

test("every folder has makers, or is known to have none", async () => {
  const folders = (await readdir(goldenFolder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const known = new Set([...makers.map(({ topic }) => topic), ...withoutMaker]);
  expect(folders.map(({ name }) => name).filter((name) => name !== "__pycache__" && !known.has(name))).toEqual([]);
});

test("nothing that was made anew is far from what is committed", () => {
  for (const [name, { comparison, skipped }] of Object.entries(record!.makers)) {
    expect([name, comparison === null]).toEqual([name, skipped !== null]);
    expect([name, comparison?.different ?? []]).toEqual([name, []]);
    expect(comparison?.largest ?? 0).toBeLessThanOrEqual(1e-5);
  }
});

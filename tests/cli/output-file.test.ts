import { chmodSync, existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireWritable, writeOutput } from "#workers/cli/output-file.ts";
import { temporaryFolder } from "../support/cli.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const refused = (...words: string[]) =>
  expect.objectContaining({ code: "bad_request", message: expect.stringMatching(words.join(".*")) });

test("a place that cannot be written is known before the work, and nothing is made there", async () => {
  await requireWritable(folder.path("new.png"));
  expect(existsSync(folder.path("new.png"))).toBe(false);
  await mkdir(folder.path("folder"));
  await writeFile(folder.path("file"), "");
  await writeFile(folder.path("precious.png"), "before");
  chmodSync(folder.path("precious.png"), 0o444);
  for (const [name, why] of [
    ["folder", "is a folder"],
    ["missing/new.png", "is missing or read-only"],
    ["precious.png", "is read-only"],
  ] as const)
    await expect(requireWritable(folder.path(name))).rejects.toEqual(refused(name, why));
  await expect(requireWritable("")).rejects.toEqual(refused("an empty name"));
  await expect(requireWritable(folder.path("file/new.png"))).rejects.toMatchObject({ code: "bad_request" });
});

test("what the disk refuses is said with its name", async () => {
  const long = folder.path("n".repeat(300));
  await expect(writeOutput(long, new Uint8Array(1))).rejects.toEqual(refused("could not be written", "ENAMETOOLONG"));
});

import { symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { temporaryFolder } from "../../support/cli.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder.remove());

test("no folder, and a file, hold no files", async () => {
  await writeFile(folder.path("file"), "");
  expect(await diskFolder(folder.path("missing")).names()).toEqual([]);
  expect(await diskFolder(folder.path("file")).names()).toEqual([]);
});

test("a folder that cannot be opened is not taken for an empty one", async () => {
  await symlink("circle", folder.path("circle")); // it cannot be opened by root either
  await expect(diskFolder(folder.path("circle")).names()).rejects.toMatchObject({
    code: "bad_request",
    message: "The folder circle cannot be opened (ELOOP); check its permissions.",
  });
});

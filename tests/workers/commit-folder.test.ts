import { mkdir, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { openCommitFolder, withCommitFolder } from "#workers/files/commit-folder.ts";
import { newPerson } from "../support/actors.ts";
import { baseFiles, type Files, newRepoWith } from "../support/evidence.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
let ann: Person;
let files: Files;
let commitId: string;
const folders = `${hub.folder}/cache/folders`;

beforeAll(async () => {
  [ann, files] = [
    await newPerson("ann"),
    { ...(await baseFiles()), "all-in-one.safetensors": "12345678", "unet/old.ckpt": "PK" },
  ];
  ({ commitId } = await newRepoWith(ann, { name: "storybook", kind: "base" }, files));
});
afterAll(async () => {
  await closeQueue();
  await hub.close();
});

const pathsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.length + 1));

test("what a killed process left is removed when the next one begins, and nobody else's", async () => {
  const dead = spawnSync(process.execPath, ["--eval", ""]).pid;
  const names = [
    `${hostname()}-${dead}`,
    `${hostname()}-${process.pid}`,
    `${hostname()}-${process.ppid}`,
    `elsewhere-${dead}`,
  ];
  for (const name of names) await mkdir(`${folders}/${name}/whole/old`, { recursive: true });
  await withCommitFolder(commitId, "storybook", async () => {});
  expect((await readdir(folders)).toSorted()).toEqual(names.slice(1).toSorted());
  expect(await readdir(`${folders}/${names[1]!}`)).not.toContain("old");
});

test("a commit is laid out as links to its blobs, and gone afterwards", async () => {
  const left = await withCommitFolder(commitId, "storybook", async (folder) => {
    expect(folder).toMatch(new RegExp(`/whole/${commitId}/storybook$`));
    expect((await pathsIn(folder)).toSorted()).toEqual(Object.keys(files).toSorted());
    for (const path of ["unet/config.json", "unet/diffusion_pytorch_model.safetensors", "evaluator/prompts.txt"]) {
      expect(Buffer.compare(await readFile(`${folder}/${path}`), Buffer.from(files[path]!))).toBe(0);
      expect(await realpath(`${folder}/${path}`)).toContain(hub.folder);
    }
    return folder;
  });
  await expect(stat(left)).rejects.toThrow("ENOENT");
});

test("what nothing reads is there by its name only", async () => {
  await withCommitFolder(commitId, "storybook", async (folder) => {
    for (const path of ["README.md", "unet/old.ckpt", "all-in-one.safetensors"])
      await expect(stat(`${folder}/${path}`)).rejects.toThrow("ENOENT");
    expect(await readlink(`${folder}/unet/old.ckpt`)).toBe("not-laid-out");
  });
  const readable = async (part: "settings" | "unet") =>
    withCommitFolder(
      commitId,
      "storybook",
      async (folder) =>
        (
          await Promise.all(
            (await pathsIn(folder)).map(async (path) =>
              (await stat(`${folder}/${path}`).catch(() => null)) ? [path] : [],
            ),
          )
        )
          .flat()
          .filter((path) => path.endsWith(".safetensors")),
      part,
    );
  expect(await readable("settings")).toEqual([]);
  expect(await readable("unet")).toEqual(["unet/diffusion_pytorch_model.safetensors"]);
});

test("whoever opens it again gets the same path, and the last who closes it removes it", async () => {
  const [first, second] = await Promise.all([
    openCommitFolder(commitId, "storybook"),
    openCommitFolder(commitId, "storybook"),
  ]);
  expect(second.folder).toBe(first.folder);
  await first.close();
  await first.close(); // counts once
  expect((await pathsIn(second.folder)).length).toBe(Object.keys(files).length);
  const closing = second.close();
  const third = await openCommitFolder(commitId, "storybook"); // while it is being removed
  await closing;
  expect(third.folder).toBe(first.folder);
  expect((await pathsIn(third.folder)).length).toBe(Object.keys(files).length);
  await third.close();
  await expect(stat(third.folder)).rejects.toThrow("ENOENT");
});

test("a commit that is not there is an empty folder, and a name of its own is another path", async () => {
  const [a, b] = [await openCommitFolder(commitId, "storybook"), await openCommitFolder(commitId, "renamed")];
  expect(a.folder).not.toBe(b.folder);
  await a.close();
  expect((await pathsIn(b.folder)).length).toBe(Object.keys(files).length);
  await b.close();
});

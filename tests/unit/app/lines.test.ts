import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  checkLine,
  curlLine,
  curlLines,
  hfFolderLine,
  hfLine,
  quoted,
} from "../../../app/[owner]/[repo]/_parts/lines.ts";

const remote = { hub: "https://hub.example.org", fullName: "ann/pixel", revision: "main", isPrivate: false };

/** The words of a line, as a shell takes them apart. */
const words = (line: string, env: Readonly<Record<string, string>> = {}): string[] =>
  execFileSync("sh", ["-c", `curl() { printf '%s\\0' curl "$@"; }; hf() { printf '%s\\0' hf "$@"; }; ${line}`], {
    env: { ...process.env, ...env },
  })
    .toString()
    .split("\0")
    .slice(0, -1);

describe("lines to take away:", () => {
  test.each([
    "a b",
    "it's",
    "$HOME",
    "`id`",
    '"',
    "*",
    "-o",
    "日本語",
    "",
    "plain-1.safetensors",
    "new\nline",
    "back\\slash",
    "~",
  ])("%j is one word, and the same", (word) => {
    expect(words(`curl ${quoted(word)}`)).toEqual(["curl", word]);
  });

  test("what needs no quotes has none", () =>
    expect(quoted("unet/model-1.safetensors")).toBe("unet/model-1.safetensors"));

  test("a file goes into the folder where one is; an address has no path of its own in a branch or a file", () => {
    expect(words(curlLine({ ...remote, revision: "try/it" }, "a b/it's #1?.txt"))).toEqual([
      "curl",
      "-fL",
      "-o",
      "it's #1?.txt",
      "https://hub.example.org/ann/pixel/resolve/try%2Fit/a%20b/it's%20%231%3F.txt",
    ]);
  });

  test("a whole repo, or a folder of it at a branch", () => {
    expect(words(hfFolderLine(remote, ""))).toEqual(["hf", "download", "ann/pixel", "--local-dir", "pixel"]);
    expect(words(hfFolderLine({ ...remote, revision: "try/it" }, "a b"))).toEqual([
      "hf",
      "download",
      "ann/pixel",
      "--revision",
      "try/it",
      "--include",
      "a b/*",
      "--local-dir",
      "pixel",
    ]);
  });

  test("of a private repo with the token of whoever types it", () => {
    expect(words(curlLine({ ...remote, isPrivate: true }, "a.txt"), { HF_TOKEN: "secret" })).toEqual([
      "curl",
      "-fL",
      "-H",
      "Authorization: Bearer secret",
      "-o",
      "a.txt",
      "https://hub.example.org/ann/pixel/resolve/main/a.txt",
    ]);
  });

  test("several files keep their folders", () => {
    expect(words(curlLines(remote, ["a.txt", "b/c d.txt"]))).toEqual([
      "curl",
      "-fL",
      "--create-dirs",
      "-o",
      "pixel/a.txt",
      "https://hub.example.org/ann/pixel/resolve/main/a.txt",
      "-o",
      "pixel/b/c d.txt",
      "https://hub.example.org/ann/pixel/resolve/main/b/c%20d.txt",
    ]);
  });

  test("hf names a revision only where it is another than its own default", () => {
    expect(words(hfLine(remote, "a.txt"))).toEqual(["hf", "download", "ann/pixel", "a.txt", "--local-dir", "."]);
    expect(words(hfLine({ ...remote, revision: "try/it" }, "a.txt"))).toEqual([
      "hf",
      "download",
      "ann/pixel",
      "a.txt",
      "--revision",
      "try/it",
      "--local-dir",
      ".",
    ]);
  });

  test("what came is checked under its own name", () => {
    expect(
      execFileSync("sh", ["-c", `sha256sum() { cat; }; ${checkLine("x/a b.txt", "0".repeat(64))}`]).toString(),
    ).toBe(`${"0".repeat(64)}  a b.txt\n`);
  });
});

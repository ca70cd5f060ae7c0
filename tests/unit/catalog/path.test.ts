import { describe, expect, test } from "vitest";
import { MAX_FOLDERS, parseNewPath, parsePath } from "#lib/catalog/trees/path.ts";
import { requireDistinct } from "#lib/catalog/trees/distinct.ts";
import { AppError } from "#lib/errors.ts";
import { hostileNames } from "../../support/hostile-names.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";

function ruleOf(work: () => unknown): unknown {
  try {
    work();
    return null;
  } catch (failure) {
    return failure instanceof AppError && failure.code === "bad_request" ? failure.detail["rule"] : failure;
  }
}

describe("a path is refused with the rule it breaks", () => {
  test.each(hostileNames)("%j: %s", (path, rule) => expect(ruleOf(() => parsePath(path))).toBe(rule));

  test("the sentence says what to do, and shows no more than the beginning", () => {
    expect(() => parsePath("a\u202eb")).toThrow(
      "The path “a\u202eb” cannot be used: it holds a character that is invisible or turns the direction of text; leave it out.",
    );
    expect(() => parsePath(`${"x".repeat(5000)}/../y`)).toThrow(
      /^The path “x{100}…” cannot be used: it is longer than 1024 bytes; choose shorter names\.$/,
    );
  });
});

test.each([
  "README.md",
  "unet/diffusion_pytorch_model.safetensors",
  "a b/c (1).png",
  ".gitattributes",
  "...a",
  "é/日本/😀.txt",
  "con fig/com10/nul-1.txt",
  "a~1",
  "100%/%41.txt",
  "x".repeat(255),
  Array(256).fill("abc").join("/"),
])("%s is a path", (path) => {
  expect(parsePath(path)).toBe(path);
});

describe("files that cannot lie side by side on every disk", () => {
  test.each([
    [["README.md", "readme.md"], "case"],
    [["straße", "STRASSE"], "case"],
    [["k", "\u212a"], "case"], // the Kelvin sign
    [["a", "a/b"], "folder"],
    [["a/b/c", "a/b"], "folder"],
    [["Unet/x", "unet"], "folder"],
  ])("%j: %s", (paths, rule) => expect(ruleOf(() => requireDistinct(paths))).toBe(rule));

  test("others can", () => expect(requireDistinct(["a", "ab", "a-b/c", "b/a", "b/c/a", "a.b"])).toBeUndefined());

  test("folders that are one on some disks are written in one way", () =>
    expect(ruleOf(() => requireDistinct(["Unet/x", "unet/y"]))).toBe("case"));

  test("ten thousand are compared in no time", () => {
    const paths = Array.from({ length: 10_000 }, (_, i) => `a/b/c/d/e/f/g/h/${i}`);
    expect(cpuMilliseconds(() => requireDistinct(paths))).toBeLessThan(500);
  });
});

test("a new file lies in a bounded number of folders, and one that is there already may lie deeper", () => {
  const deep = (folders: number): string => [...Array(folders).fill("a"), "b"].join("/");
  expect(parseNewPath(deep(MAX_FOLDERS))).toBe(deep(MAX_FOLDERS));
  expect(() => parseNewPath(deep(500))).toThrow(
    "it lies in 500 folders, and 32 may lie in each other; put it higher up.",
  );
  expect(parsePath(deep(500))).toBe(deep(500));
});

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");

test("one file imports the native runtime", () => {
  const sources = globSync("{lib,workers,app,bench,tests}/**/*.{ts,tsx}", { cwd: root });
  const importers = sources.filter((path) =>
    /\b(from|import)\s*\(?\s*"onnxruntime/.test(readFileSync(join(root, path), "utf8")),
  );
  expect(importers).toEqual(["lib/onnx/runtime.ts"]);
});

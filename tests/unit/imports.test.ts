import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importArrows, toLine } from "../support/imports.ts";

test("no import points upward or across the columns", () => {
  const arrows = importArrows(join(import.meta.dirname, "../.."));
  expect(arrows.length).toBeGreaterThan(0);
  expect(arrows.filter(({ fault }) => fault).map(toLine)).toEqual([]);
});

test("an arrow is seen however it is written, and marked where it goes wrong", () => {
  const root = mkdtempSync(join(tmpdir(), "imports-"));
  const write = (path: string, source: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), source);
  };
  write("lib/errors.ts", "");
  write(
    "lib/nn/a.ts",
    'import { join } from "node:path";\nimport type { A } from "#lib/tensor/a.ts";\nimport {\n  b,\n} from "../tensor/b.ts";\nimport "./b.ts";\n',
  );
  write("lib/tensor/a.ts", 'export { c } from "#lib/nn/a.ts"; // import "#lib/onnx/a.ts"\n');
  write(
    "lib/catalog/repos/a.ts",
    'const late = await import("#lib/diffusion/a.ts");\nimport { AppError } from "#lib/errors.ts";\n',
  );
  write("workers/cli/a.ts", 'import "../../lib/nn/a.ts";\nimport "#lib/news/a.ts";\n');
  try {
    expect(importArrows(root).map(toLine)).toEqual([
      "catalog → diffusion: 1  ← across the columns",
      "catalog → errors: 1",
      "nn → tensor: 2",
      "tensor → nn: 1  ← upward",
      "workers → news: 1  ← not in the table",
      "workers → nn: 1",
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

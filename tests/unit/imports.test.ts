import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { fileCycles, folderCycles, importArrows, toLine } from "../support/imports.ts";

test("no import points upward or across the columns", () => {
  const arrows = importArrows(join(import.meta.dirname, "../.."));
  expect(arrows.length).toBeGreaterThan(0);
  expect(arrows.filter(({ fault }) => fault).map(toLine)).toEqual([]);
});

test("no files import each other in a circle", () => {
  expect(fileCycles(join(import.meta.dirname, "../.."))).toEqual([]);
});

test("no folders of the catalog import each other in a circle", () => {
  expect(folderCycles(join(import.meta.dirname, "../.."), "lib/catalog")).toEqual([]);
});

/** An empty tree to write sources into. */
function newTree(): { readonly root: string; write(path: string, source: string): void } {
  const root = mkdtempSync(join(tmpdir(), "imports-"));
  return {
    root,
    write(path, source) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), source);
    },
  };
}

test("a circle of folders is seen where no files make one, and only within the folder that is looked at", () => {
  const { root, write } = newTree();
  write("lib/catalog/cards/service.ts", 'import "#lib/catalog/repos/schema.ts";\nimport "./schema.ts";\n');
  write("lib/catalog/cards/schema.ts", 'import "#lib/catalog/kinds.ts";\n');
  write("lib/catalog/repos/schema.ts", "");
  write("lib/catalog/repos/deep/down.ts", 'import type { Card } from "../../cards/schema.ts";\n');
  write("lib/catalog/kinds.ts", 'import "#lib/http/events.ts";\n');
  write("lib/http/events.ts", 'import "#lib/catalog/kinds.ts";\n');
  try {
    expect(folderCycles(root, "lib/catalog")).toEqual([["lib/catalog/cards", "lib/catalog/repos"]]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("a circle of files is seen, whatever leads into it and whichever folders it crosses", () => {
  const { root, write } = newTree();
  write("lib/nn/first.ts", 'import "./second.ts";\n');
  write("lib/nn/second.ts", 'import type { A } from "#lib/onnx/third.ts";\nimport "./leaf.ts";\n');
  write("lib/onnx/third.ts", 'export { a } from "../nn/second.ts";\n');
  write("lib/nn/leaf.ts", 'import "node:fs";\nimport "./gone.ts";\n');
  write("app/self.ts", 'import "./self.ts";\n');
  write("app/page.tsx", 'import "#lib/nn/first.ts";\nimport "#lib/nn/leaf.ts";\n');
  try {
    expect(fileCycles(root)).toEqual([["app/self.ts"], ["lib/nn/second.ts", "lib/onnx/third.ts"]]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("an arrow is seen however it is written, and marked where it goes wrong", () => {
  const { root, write } = newTree();
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

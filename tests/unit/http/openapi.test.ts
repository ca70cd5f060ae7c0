import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toOpenApi } from "#lib/http/openapi.ts";
import { operations } from "#lib/http/operations/all.ts";
import { operationsTable } from "../../../docs/api-operations.ts";
import { routeFiles } from "../../support/route-files.ts";

const app = join(import.meta.dirname, "../../../app");

/** “GET /api/v1/repos/{owner}” for every method that a route file exports. */
function routesOf(folder: string): string[] {
  return routeFiles(app)
    .filter((file) => file.startsWith(`${folder}/`))
    .flatMap((file) => {
      const path = `/${file.replace(/\/?route\.ts$/, "").replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, "{$1}")}`;
      return [
        ...readFileSync(join(app, file), "utf8").matchAll(
          /^export (?:const|async function|function) (GET|POST|PUT|PATCH|DELETE)\b/gm,
        ),
      ].map(([, method]) => `${method} ${path}`);
    });
}

test("every route of the API is in the document, and nothing else", () => {
  const written = [...routesOf("api/v1"), ...routesOf("healthz"), ...routesOf("readyz")];
  const described = operations
    .filter(({ path }) => /^\/(api\/v1|healthz|readyz)\b/.test(path))
    .map(({ method, path }) => `${method} ${path}`);
  expect(described.toSorted()).toEqual(written.toSorted());
});

test("docs/api.md has a line for every operation, as it is; node guidepost.js run docs/api-operations.ts", () => {
  expect(readFileSync(join(app, "../docs/api.md"), "utf8")).toContain(`\n${operationsTable()}\n`);
});

test("no two operations share an id or an address", () => {
  expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
  expect(new Set(operations.map(({ method, path }) => `${method} ${path}`)).size).toBe(operations.length);
});

describe("the document", () => {
  const document = toOpenApi(operations, "https://guides.example.org");

  test("names each parameter of each address", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters } of Object.values(methods)) {
        const inPath = parameters.filter((parameter) => parameter.in === "path");
        expect(inPath.map(({ name }) => name).toSorted(), path).toEqual(
          [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).toSorted(),
        );
        expect(inPath.every(({ required }) => required)).toBe(true);
      }
    }
  });

  test("is plain JSON, with every reference resolved", () => {
    const text = JSON.stringify(document);
    expect(JSON.parse(text)).toEqual(document);
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
      expect(document).toHaveProperty(["components", "schemas", name!]);
    expect(text.includes("#/$defs")).toBe(false);
  });

  test("tells what may go wrong", () => {
    expect(Object.keys(document.paths["/api/v1/repos"]!["post"]!.responses)).toEqual(
      expect.arrayContaining(["201", "400", "401", "403", "409", "503"]),
    );
  });
});

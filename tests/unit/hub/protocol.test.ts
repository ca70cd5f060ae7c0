import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answersHere, hubRoutesTable, publishedRoutes } from "../../../docs/hub-routes.ts";
import { serveApp } from "../../support/serve-app.ts";
import type { Served } from "../../support/serve.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let server: Served;

beforeAll(async () => {
  server = await serveApp();
});
afterAll(async () => {
  await server.close();
  await hub.close();
});

test("docs/hub-protocol.md has the table as it is; node guidepost.js run docs/hub-routes.ts", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/hub-protocol.md"), "utf8");
  expect(page).toContain(`\n${hubRoutesTable()}\n`);
});

test("each operation that is not here says so to a program, and each that is here does not", async () => {
  const wrong: string[] = [];
  for (const { method, path, isHere } of answersHere(publishedRoutes())) {
    const response = await fetch(server.url + path.replaceAll(/\{\w+\}/g, "x"), { method, redirect: "manual" });
    const code = response.headers.get("x-error-code");
    if ((response.status === 501) === isHere || (!isHere && code !== "NotImplemented"))
      wrong.push(`${method} ${path}: ${response.status} ${code}`);
    if (response.headers.get("content-type")?.includes("html")) wrong.push(`${method} ${path} is a page`);
    await response.body?.cancel();
  }
  expect(wrong).toEqual([]);
});

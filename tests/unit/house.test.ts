import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { houseSvg } from "../../docs/img/house.ts";
import { importArrows } from "../support/imports.ts";

const root = join(import.meta.dirname, "../..");

test("the house of docs/how-it-works.md is drawn from the imports as they are", () => {
  const drawn = houseSvg(importArrows(root)).split("\n");
  const committed = readFileSync(join(root, "docs/img/house.svg"), "utf8").split("\n");
  expect(committed, "draw it again: node guidepost.js run docs/img/house.ts > docs/img/house.svg").toEqual(drawn);
});

test("an arrow that is not there is not drawn, and a folder that nobody described is not passed over", () => {
  const fault = null;
  const arrow = (from: string, to: string) => ({ from, to, count: 1, fault });
  const svg = houseSvg([
    arrow("measure", "pairing"),
    arrow("catalog", "pairing"),
    arrow("workers", "measure"),
    arrow("catalog", "errors"),
  ]);
  expect([...svg.matchAll(/<title>(\w+ → \w+)<\/title>/g)].map(([, title]) => title)).toEqual([
    "measure → pairing",
    "catalog → pairing",
  ]);
  expect(() => houseSvg([arrow("measure", "pairing"), arrow("toString", "pairing")])).toThrow();
});

import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isReserved } from "#lib/catalog/namespaces/reserved.ts";

const app = fileURLToPath(new URL("../../../app", import.meta.url));

/** The first word of an address that a file of the app router answers; null for one that any word fits. */
function firstWord(file: string): string | null {
  const first = file.split(/[\\/]/).find((part) => !/^\(.*\)$|^(page|route)\.tsx?$/.test(part));
  return first === undefined || first.startsWith("[") ? null : first;
}

test("nobody can be called like a page of ours", () => {
  const words = globSync("**/{page,route}.{ts,tsx}", { cwd: app })
    .map(firstWord)
    .filter((word) => word !== null);
  expect(words).toContain("api");
  expect(words.filter((word) => !isReserved(word) && /^[\w.-]+$/.test(word))).toEqual([]);
});

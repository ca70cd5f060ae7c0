import { expect, test } from "vitest";
import { isObjectKey, newObjectKey, requireObjectKey } from "#lib/storage/keys.ts";

test("each key is new, and is what keys are", () => {
  const keys = Array.from({ length: 1000 }, newObjectKey);
  expect(new Set(keys).size).toBe(1000);
  expect(keys.every(isObjectKey)).toBe(true);
});

test("nothing else is one", () => {
  const key = newObjectKey();
  for (const text of [
    "",
    "..",
    `/${key}`,
    `${key}/`,
    `${key}\n`,
    ` ${key}`,
    key.toUpperCase().replace(/^../, "AB"),
    key.slice(1),
    key.replaceAll("/", ""),
    key.replace("/", "\\"),
    "../../etc/passwd",
  ]) {
    expect(isObjectKey(text), text).toBe(false);
    expect(() => requireObjectKey(text)).toThrow("is not the key of an object");
  }
});

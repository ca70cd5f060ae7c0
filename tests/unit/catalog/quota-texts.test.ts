import { describe, expect, test } from "vitest";
import { type LimitKind, readLimit, writeLimit } from "#lib/catalog/quotas/limit-text.ts";
import { quotaForm } from "#lib/catalog/quotas/schema.ts";

describe("a limit", () => {
  test.each<[LimitKind, string, number]>([
    ["size", "500 GB", 500e9],
    ["size", "2TB", 2e12],
    ["size", "1.5 TB", 1.5e12],
    ["size", "1,000,000", 1e6],
    ["size", "0", 0],
    ["count", " 100,000 ", 100_000],
    ["time", "8 h", 28_800],
    ["time", "90 min", 5400],
    ["time", "0.5 h", 1800],
  ])("of a %s is read from “%s”, and what is written of it is read as it", (kind, text, limit) => {
    expect(readLimit(text, kind)).toBe(limit);
    expect(readLimit(writeLimit(limit, kind), kind)).toBe(limit);
  });

  test.each<[LimitKind, string]>([
    ["size", "much"],
    ["size", "-1 GB"],
    ["size", "1 PB"],
    ["size", "99999 TB"], // more than a number counts to
    ["size", "1e9"],
    ["count", "5 GB"],
    ["count", "2147483648"],
    ["count", "1,0"],
    ["time", "8 days"],
    ["time", "١ h"],
  ])("of a %s is not read from “%s”", (kind, text) => {
    expect(readLimit(text, kind)).toBeUndefined();
  });

  test("as it is stored reads back exactly, whatever it is", () => {
    for (const limit of [1, 999, 1234, 1_234_567, 1_500_000, 200e9, 1234567890123, Number.MAX_SAFE_INTEGER])
      for (const kind of ["size", "count", "time"] as const)
        if (kind === "size" || limit < 2 ** 31)
          expect([kind, readLimit(writeLimit(limit, kind), kind)]).toEqual([kind, limit]);
  });
});

test("a form that leaves a field empty takes its limit back, and one that has no such field leaves it", () => {
  expect(quotaForm.parse({ bytes: "5 GB", files: " ", repos: "7" })).toEqual({ bytes: 5e9, files: null, repos: 7 });
  const { error } = quotaForm.safeParse({ bytes: "much", files: "", repos: "1.x" });
  expect(error?.issues.map(({ path, message }) => [path.join(), message])).toEqual([
    ["bytes", "write a size like 500 GB, or leave it empty"],
    ["repos", "write a number, or leave it empty"],
  ]);
});

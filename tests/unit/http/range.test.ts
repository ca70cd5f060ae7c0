import { expect, test } from "vitest";
import { matchesEtag, mayUseRange, parseRange } from "#lib/http/range.ts";

test("a range within the size is those bytes", () => {
  const ranges = {
    "bytes=0-99": [0, 100],
    "bytes=100-": [100, 1000],
    "bytes=999-": [999, 1000],
    "bytes=-1": [999, 1000],
    "bytes=-5000": [0, 1000], // more than there is: all of it
    "bytes=500-99999999999999999999": [500, 1000],
    "BYTES = 0-0": null, // no space may stand there
    "Bytes=0-0": [0, 1],
    "bytes= 7 - 9 ": [7, 10],
  } as const;
  for (const [header, expected] of Object.entries(ranges))
    expect(parseRange(header, 1000), header).toEqual(expected && { begin: expected[0], end: expected[1] });
});

test("a header that a server may ignore means the whole", () => {
  for (const header of [
    null,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "items=0-5",
    "bytes=5-2",
    "bytes=0-1,5-6",
    "bytes=a-b",
    "bytes=0x1-2",
    "bytes=1.5-2",
    "bytes=--5",
  ])
    expect(parseRange(header, 1000), String(header)).toBeNull();
});

test("a range of which nothing is there is refused with the size", () => {
  for (const [header, size] of [
    ["bytes=1000-", 1000],
    ["bytes=1000-1001", 1000],
    ["bytes=-0", 1000],
    ["bytes=0-", 0],
    ["bytes=-5", 0],
  ] as const) {
    expect(() => parseRange(header, size), header).toThrow(
      expect.objectContaining({ code: "range_not_satisfiable", detail: { size } }),
    );
  }
});

test("If-None-Match names a version by one of its tags, or any by a star", () => {
  for (const header of ['"ab"', 'W/"ab"', '"x", "ab"', '"x",W/"ab"', " * "])
    expect(matchesEtag(header, "ab"), header).toBe(true);
  for (const header of [null, "", "ab", '"abc"', '"a", "b"', '"AB"', '"x*"'])
    expect(matchesEtag(header, "ab"), String(header)).toBe(false);
});

test("a range counts when If-Range names this very version", () => {
  expect(mayUseRange(null, "ab")).toBe(true);
  expect(mayUseRange('"ab"', "ab")).toBe(true);
  for (const header of ['W/"ab"', '"x"', "Wed, 25 Nov 2026 16:00:00 GMT"])
    expect(mayUseRange(header, "ab"), header).toBe(false);
});

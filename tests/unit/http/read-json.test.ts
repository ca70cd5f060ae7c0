import { expect, test } from "vitest";
import { readJson } from "#lib/http/read-json.ts";

const read = (body: BodyInit, type: string | null = "application/json"): Promise<unknown> =>
  readJson(
    new Request("http://localhost/", { method: "POST", body, headers: type === null ? {} : { "content-type": type } }),
    300_000,
  );

test("a sound body is what it says", async () => {
  expect(await read('{"a":[1,{"b":"🍄 \\ud83c\\udf44"}]}')).toEqual({ a: [1, { b: "🍄 🍄" }] });
  expect(await read("")).toEqual({});
  expect(await read('{"a":1,"a":2}')).toEqual({ a: 2 });
  expect(await read("[".repeat(64) + "]".repeat(64))).toBeDefined();
});

test.each([
  ['{"prompt":"a\\u0000b"}', "prompt"],
  ['{"a":[{"b":"\\ud800"}]}', "a.0.b"],
  ['{"a":[{"b":"\\udf44\\ud83c"}]}', "a.0.b"],
  ['{"a":{"\\u0000":1}}', "a"],
  ['"\\u0000"', ""],
])("what cannot be kept is refused by its place: %s", async (body, field) => {
  await expect(read(body)).rejects.toMatchObject({ code: "bad_request", detail: { field } });
});

test("what is nested without end is refused, however deep", async () => {
  for (const depth of [65, 40_000, 140_000]) {
    await expect(read("[".repeat(depth) + "]".repeat(depth))).rejects.toMatchObject({ code: "bad_request" });
    if (depth < 50_000)
      await expect(read('{"a":'.repeat(depth) + "1" + "}".repeat(depth))).rejects.toMatchObject({
        code: "bad_request",
      });
  }
});

test("what is no JSON, no text, or of another kind is refused, and what is too large", async () => {
  for (const body of ["{", "\0", "NaN", "'a'", new Uint8Array([0x22, 0xff, 0x22])])
    await expect(read(body)).rejects.toMatchObject({ code: "bad_request" });
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"])
    await expect(read("{}", type)).rejects.toMatchObject({ code: "bad_request" });
  await expect(read(JSON.stringify("a".repeat(300_000)))).rejects.toMatchObject({ code: "too_large" });
});

import { expect, test } from "vitest";
import { pagePolicy } from "#lib/http/page-policy.ts";

const s3 = {
  endpoint: "https://s3.example.org:9000",
  bucket: "models",
  region: "x",
  accessKeyId: "x",
  secretAccessKey: "x",
};

test.each(["/", "/ann/meadow", "/ann/meadow/tree/main/resolve/x", "/pairs/1", "/browse?q=/api/"])(
  "the page %s may load from this hub only",
  (path) => {
    expect(pagePolicy(path, null, "once")).toMatch(/img-src 'self' data: blob:; connect-src 'self'; object-src 'none'/);
  },
);

test.each(["/api/v1/repos", "/ann/meadow/resolve/main/README.md", "/storage/ab/cd"])(
  "%s answers for itself",
  (path) => {
    expect(pagePolicy(path, null, "once")).toBeNull();
  },
);

test("where bytes lie in a bucket, pages may reach that, by both of its names", () => {
  const stores = "https://s3.example.org:9000 https://models.s3.example.org:9000";
  expect(pagePolicy("/upload", s3, "once")).toContain(`connect-src 'self' ${stores};`);
  expect(pagePolicy("/upload", s3, "once")).toContain(`img-src 'self' ${stores} data: blob:;`);
});

test("of the scripts that stand in a page only those run that are marked", () => {
  const scripts = pagePolicy("/", null, "b25jZQ==")!
    .split("; ")
    .find((directive) => directive.startsWith("script-src"));
  expect(scripts).toBe("script-src 'self' 'nonce-b25jZQ=='");
});

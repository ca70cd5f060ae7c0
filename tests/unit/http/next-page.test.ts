import { expect, test } from "vitest";
import { nextPage } from "#lib/http/next-page.ts";

test.each(["/", "/preview?finetune=ann/meadow&prompt=a%20red%20boat", "/ann/meadow#works", "/@x"])(
  "%s is a page of this hub",
  (address) => {
    expect(nextPage(address)).toBe(address);
  },
);

test.each([
  "",
  "https://evil.example",
  "//evil.example",
  "/\\evil.example",
  "\\/evil.example",
  "javascript:alert(1)",
  "/\t/evil.example",
  "/a\nSet-Cookie: x",
  " /x",
  "x",
  null,
  ["/"],
  `/${"a".repeat(2001)}`,
])("%j is none", (address) => {
  expect(nextPage(address)).toBeNull();
});

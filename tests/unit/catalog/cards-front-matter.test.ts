import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { factsOf } from "#lib/catalog/cards/facts.ts";
import { beginReading, type Markdown } from "#lib/catalog/cards/read-markdown.ts";
import { MAX_MARKDOWN_BYTES } from "#lib/catalog/cards/split.ts";

const readMarkdown = (bytes: Uint8Array, who: string): Promise<Markdown> => beginReading(bytes, who).whole;
const read = (text: string) => readMarkdown(Buffer.from(text), "somebody");

test("the cards of the starter collection", async () => {
  const card = await readMarkdown(readFileSync("starter/guide-tiny/README.md"), "somebody");
  expect(card.warnings).toEqual([]);
  expect(card.frontMatter).toMatchObject({ license: "apache-2.0", guide: { distills: "cfg", guidance_range: [1, 8] } });
  expect(card.text).toMatch(/^\n# guide-tiny\n/);
  expect(card.facts).toMatchObject({
    license: "apache-2.0",
    tags: ["guide"],
    base: "guidepost/storybook",
    summary: expect.stringMatching(/^A small practice/) as string,
  });
});

describe("front matter", () => {
  test.each([
    ["none", "# Hi\n", {}, "# Hi\n"],
    ["empty", "---\n---\nHi", {}, "Hi"],
    ["of Windows", "---\r\nlicense: mit\r\n---\r\nHi", { license: "mit" }, "Hi"],
    ["after a byte-order mark", "\ufeff---\nlicense: mit\n---\nHi", { license: "mit" }, "Hi"],
    ["without a text", "---\nlicense: mit\n---", { license: "mit" }, ""],
    ["that never ends", "---\nlicense: mit\nHi", {}, "---\nlicense: mit\nHi"],
    ["with a rule in the text", "---\na: 1\n---\nHi\n---\nho", { a: 1 }, "Hi\n---\nho"],
  ])("%s", async (_what, text, frontMatter, rest) =>
    expect(await read(text)).toMatchObject({ frontMatter, text: rest, isCut: false, warnings: [] }),
  );

  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi"
    .split("")
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[i]}`).join()}]`)
    .join("\n")}`;
  const manyAliases = `a: &a "${"x".repeat(50_000)}"\nb: [${Array(90).fill("*a").join()}]`;
  test.each([
    ["an alias bomb", bomb, /alias/i],
    ["aliases that repeat a long text", manyAliases, /65536 bytes/],
    ["a list", "- a\n- b", /name: value/],
    ["a broken line", "a: [1, 2", /cannot be used/],
    ["a name twice", "a: 1\na: 2", /unique/],
    ["more than 64 KiB", `a: ${"x".repeat(70_000)}`, /longer than 65536 bytes/],
    ["forty deep", `a: ${"[".repeat(40)}${"]".repeat(40)}`, /32 deep/],
    ["thirty thousand deep", `a: ${"[".repeat(30_000)}`, /cannot be used/],
    ["thirty thousand indented", Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), /32 deep/],
  ])("%s is a warning, and the text is still there", async (_what, yaml, warning) => {
    const card = await read(`---\n${yaml}\n---\nHi`);
    expect(card).toMatchObject({ frontMatter: {}, text: "Hi", html: "<p>Hi</p>" });
    expect(card.warnings).toEqual([expect.stringMatching(warning)]);
  });

  test("what the database cannot keep is replaced, and no prototype is touched", async () => {
    const { frontMatter } = await read(
      '---\na: "x\\0y"\nb: "\\ud800"\nc: .inf\n__proto__: {polluted: 1}\nconstructor: 2\n---\n',
    );
    expect(frontMatter).toMatchObject({ a: "x\ufffdy", b: "\ufffd", c: "Infinity", constructor: 2 });
    expect(Object.keys(frontMatter)).toContain("__proto__");
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(frontMatter)).not.toContain("\\u0000");
  });
});

test("a long card is cut, and the cut may fall into a character", async () => {
  const card = await read(`${"x".repeat(MAX_MARKDOWN_BYTES - 1)}é${"y".repeat(100)}`);
  expect(card.isCut).toBe(true);
  expect(card.text).toBe("x".repeat(MAX_MARKDOWN_BYTES - 1));
});

test("what is no text is a warning", async () =>
  expect(await readMarkdown(Uint8Array.of(0xff, 0xfe, 0), "somebody")).toMatchObject({
    text: "",
    warnings: ["The file is not UTF-8 text; save it as UTF-8."],
  }));

describe("what a card says of its repo", () => {
  test.each([
    ["Hello **there**, see [the page](https://example.org).\nIt goes on.", "Hello there, see the page. It goes on."],
    [
      "# Title\n\n![picture](x.png)\n\n<div>no</div>\n\n| a | b |\n|---|---|\n\n```\ncode\n```\n\nProse at last",
      "Prose at last",
    ],
    ["turned \u202e around\u0007", "turned around"],
    [`${"word ".repeat(100)}`, `${"word ".repeat(60).slice(0, 294).trim()}…`],
    ["# Only a title", null],
  ])("its first paragraph: %j", (text, summary) => expect(factsOf({}, text).summary).toBe(summary));

  test("a summary of its own goes before", () => expect(factsOf({ summary: "Mine" }, "Prose").summary).toBe("Mine"));

  test("values of another kind are passed over", () => {
    expect(factsOf({ license: ["mit"], tags: "one", base_model: { a: 1 } }, "")).toEqual({
      license: null,
      tags: null,
      base: null,
      summary: null,
    });
    expect(
      factsOf({ tags: ["a", "a", 1, "b\u200bc", "", "x".repeat(101)], base_model: ["ann/one", "ann/two"] }, ""),
    ).toMatchObject({ tags: ["a", "b c"], base: "ann/one" });
    expect(factsOf({ base_model: "../../etc" }, "").base).toBeNull();
    expect(factsOf({ tags: Array.from({ length: 150 }, (_, i) => `t${i}`) }, "").tags).toHaveLength(100);
  });
});

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { placeMarkdown } from "#lib/catalog/cards/addresses.ts";
import { markdownToHtml } from "#lib/catalog/cards/html.ts";

const places = { files: "/ann/clay/resolve/main/", pages: "/ann/clay/tree/main/" };
const toHtml = (markdown: string): string => placeMarkdown(markdownToHtml(markdown), places);

test("an ordinary card: headings, marks, links, pictures, code, lists, quotes, tables, footnotes", async () => {
  const golden = (name: string): Promise<string> =>
    readFile(new URL(`../../golden/cards/${name}`, import.meta.url), "utf8");
  expect(`${toHtml(await golden("ordinary.md"))}\n`).toBe(await golden("ordinary.html"));
});

test("a text in another repo, at another revision, has other addresses, and nothing of its marks is left", () => {
  const html = markdownToHtml("[a](a.md) ![b](b.png)");
  expect(placeMarkdown(html, { files: '/x/y/resolve/a"&b/', pages: "/x/y/tree/$&/" })).toBe(
    '<p><a href="/x/y/tree/$&amp;/a.md">a</a> <img src="/x/y/resolve/a&quot;&amp;b/b.png" alt="b" loading="lazy"></p>',
  );
  expect(toHtml("[a](\ufffef/etc) \ufffef &#xfffe;f &#65534;p `\ufffep`")).toBe(
    '<p><a href="/ann/clay/tree/main/%EF%BF%BDf/etc">a</a> \ufffdf \ufffdf \ufffdp <code>\ufffdp</code></p>',
  );
});

describe("nothing of a stranger's HTML, no script and no picture of another site", () => {
  const elements = new Set(
    "a blockquote br code del div em h3 h4 h5 h6 hr img input li ol p pre section strong sup table tbody td th thead tr ul".split(
      " ",
    ),
  );
  const attributes = new Set(
    "align alt aria-describedby aria-label checked class data-footnote-backref data-footnote-ref data-footnotes disabled href id loading rel role src start tabindex title type".split(
      " ",
    ),
  );
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<iframe src="javascript:alert(1)"></iframe><style>*{display:none}</style><form action=/x><button>',
    "[a](javascript:alert(1)) [a](JaVaScRiPt:alert(1)) [a](java&#x0A;script:alert(1)) [a](\u0001javascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=) [a](vbscript:x) [a](file:///etc/passwd) <javascript:alert(1)>",
    "![a](javascript:alert(1)) ![a](data:image/svg+xml,<svg/>) ![a](//evil.example/a.png) ![a](https://evil.example/a.png)",
    '![a"onerror="alert(1)](x.png "t\\" onload=alert(1)") [a](x "\\" onclick=alert(1)")',
    "[a]: javascript:alert(1)\n\n[a] ![a]",
    "`<script>` ```<script>``` &lt;script&gt; &#60;script&#62;",
    '```x" onclick=alert(1)\n```\n\n```x onmouseover=alert(1)\n<script>\n```',
    '| a | <b onclick="x"> |\n|-|-|\n| <script>alert(1)</script> | `|` |',
    '[^<script>]: <script>\n\n[^<script>] [^"onclick=x]\n\n[^"onclick=x]: y',
    '<div id="x" style="position:fixed" class="fixed inset-0">over the page</div>',
    "http://example.org/<script>?a=\"onclick=x www.example.org/'onclick='x",
  ])("%s", (markdown) => {
    const html = toHtml(markdown);
    for (const [tag, name, rest] of html.matchAll(/<\/?([a-z0-9]+)([^>]*)>/g)) {
      expect(elements, tag).toContain(name);
      const named = rest!
        .replaceAll(/="[^"]*"/g, "")
        .split(/\s+/)
        .filter(Boolean);
      for (const attribute of named) expect(attributes, tag).toContain(attribute);
      for (const [, to] of rest!.matchAll(/(?:href|src)="([^"]*)"/g))
        expect(to).toMatch(/^(?:https?:|mailto:|#card-|\/)/);
      if (name === "img") expect(rest).toMatch(/ src="\/(?!\/)/);
      if (/ (?:id|name)="/.test(rest!)) expect(rest).toMatch(/ (?:id|name)="card-/);
    }
    expect(html.replaceAll(/<\/?[a-z0-9]+(?: [^<>]*)?>/g, "")).not.toContain("<");
  });
});

describe("more than a page takes is refused with its reason", () => {
  test.each([
    ["elements", "a\n\n".repeat(12_000), "more than 30000 parts"],
    [
      "cells that are not there",
      `|${"a|".repeat(200)}\n|${"-|".repeat(200)}\n${"|\n".repeat(200)}`,
      "more than 30000 parts",
    ],
    ["quotes", `${"> ".repeat(150)}a`, "more than 100 deep"],
    ["bytes", `    ${"&".repeat(100_000)}`, "more than 512 KiB"],
  ])("%s", (_what, markdown, why) =>
    expect(() => markdownToHtml(markdown)).toThrow(new RegExp(`^It is shown as it was written, for it .*${why}`)),
  );
});

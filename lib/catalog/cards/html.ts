import type { Element, ElementContent, Root } from "hast";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import { AppError } from "#lib/errors.ts";
import { withoutHidden } from "#lib/util/deceptive.ts";
import { addressIn, isElsewhere, withoutMarks } from "./addresses.ts";

/** What a page takes of one text. The longest README of the field has some 4,000 elements, 12 deep. */
const MAX_NODES = 30_000;
const MAX_DEPTH = 100;
const MAX_HTML_BYTES = 512 * 1024;

/**
 * A text of strangers as it was meant, without any HTML of its writer: tags are left out, what remains is built from a list of what
 * may be there. Pictures come from this hub only; those of other sites are links, so that nobody learns who reads a page.
 * Addresses within the repo are marked, for `placeMarkdown`. Time and memory are for the caller to bound.
 *
 * @throws too_large: what it makes would be too much for a page
 */
export function markdownToHtml(markdown: string): string {
  const tree = safe.runSync(safe.parse(withoutMarks(markdown)));
  const html = writer.stringify(forOurPages(tree));
  if (Buffer.byteLength(html) > MAX_HTML_BYTES) refuse(`it makes a page of more than ${MAX_HTML_BYTES / 1024} KiB`);
  return html;
}

const safe = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRehype)
  .use(rehypeSanitize, { ...defaultSchema, clobberPrefix: "card-" });
const writer = unified().use(rehypeStringify);

/** Headings below those of the page, addresses and what a keyboard needs to scroll. Without recursion, for a text may be deep. */
function forOurPages(tree: Root): Root {
  let nodes = 0;
  const left: { readonly parent: Root | Element; readonly depth: number }[] = [{ parent: tree, depth: 0 }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { parent, depth } = next;
    nodes += parent.children.length;
    if (nodes > MAX_NODES) refuse(`it has more than ${MAX_NODES} parts`);
    if (depth > MAX_DEPTH) refuse(`it is nested more than ${MAX_DEPTH} deep`);
    for (const [index, child] of parent.children.entries()) {
      if (child.type === "text") child.value = withoutHidden(child.value);
      if (child.type !== "element") continue;
      left.push({ parent: child, depth: depth + 1 });
      parent.children[index] = forOurPage(child);
    }
  }
  return tree;
}

const headings: Readonly<Record<string, string>> = { h1: "h3", h2: "h3", h3: "h4", h4: "h5", h5: "h6" };

function forOurPage(element: Element): ElementContent {
  element.tagName = headings[element.tagName] ?? element.tagName;
  for (const said of ["alt", "title"]) {
    const text = element.properties[said];
    if (typeof text === "string") element.properties[said] = withoutHidden(text);
  }
  switch (element.tagName) {
    case "a":
      Object.assign(element.properties, linkTo(element.properties["href"]));
      break;
    case "img":
      return toPicture(element);
    case "pre":
      element.properties["tabIndex"] = 0;
      break;
    case "th":
      if (element.children.length === 0) element.tagName = "td"; // a table without a head has an empty one
      break;
    case "table":
      return {
        type: "element",
        tagName: "div",
        properties: { tabIndex: 0, role: "group", ariaLabel: "Table" },
        children: [element],
      };
  }
  return element;
}

const rel = ["nofollow", "noopener", "noreferrer", "ugc"];

function linkTo(href: unknown): Element["properties"] {
  if (typeof href !== "string" || href === "") return { href: undefined };
  if (isElsewhere(href)) return { href, rel };
  return { href: href.startsWith("#") ? `#card-${href.slice(1)}` : addressIn("pages", href) };
}

function toPicture(image: Element): Element {
  const src = typeof image.properties["src"] === "string" ? image.properties["src"] : "";
  const alt = typeof image.properties["alt"] === "string" ? image.properties["alt"] : "";
  if (!isElsewhere(src))
    return { ...image, properties: { src: addressIn("files", src), alt, loading: "lazy" }, children: [] };
  return {
    type: "element",
    tagName: "a",
    properties: { href: src, rel },
    children: [{ type: "text", value: `${alt || "picture"} (at another site)` }],
  };
}

function refuse(why: string): never {
  throw new AppError("too_large", `It is shown as it was written, for ${why}.`);
}

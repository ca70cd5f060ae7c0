import { mulberry32 } from "#lib/util/mulberry32.ts";

/** Each construct of Markdown in a form that repeats, and what it may enclose. */
const repeated = [
  "*", "**", "_", "*a", "*a ", "*a_ ", "**a*", "~", "~~", "~a~~", "`", "``a", "`a``",
  "- ", "* ", "1. ", "1) ", "- [ ] ", "> ", ">", "- > ", "> - ", "1. > - ",
  "#", "# ", "a\n=\n", "a\n-\n", "-\n", "***\n", "\\", "\\*", "&", "&amp;", "&#", "&#x",
  "[", "]", "[](", "[]", "![", "![](", "[a](", "](b)", "[a][", "[a]: b\n", "[a]: ", "[^a]", "[^a]: ", "[^a]: b\n\n",
  "<", "<a", "<!--", "<![CDATA[", "<?", "</a", "<a b=\"", "<http://a", "http://a", "www.a_", "www.a.b(", "www.a&b;", "a@b.c", "a@b-", "a_b@",
  "|", "|a", "|-|", "|a|b|\n|-|-|\n", "\n|", "```\n", "~~~\n", "    a\n", "\t", " ", "  \n", "\n", "\r", "a\n\n", "é", "\u200b", "\ufffe", "🎨", "---\n",
]; // prettier-ignore

const enclosing = [["*", "*"], ["[", "](b)"], ["![", "](b)"], ["![a", "](b)"], ["[", "][a]"], ["<a ", ">"], ["> ", "\n"], ["`", "`"], ["~", "~"], ["**[", "](b)**"]] as const; // prettier-ignore

const columns = (count: number, rows: number): string =>
  `|${"a|".repeat(count)}\n|${"-|".repeat(count)}\n${"|\n".repeat(rows)}`;

/** Texts of about `size` characters by name: every construct repeated and nested, tables that are padded, and mixtures drawn from `seed`. */
export function hostileMarkdown(size: number, mixtures: number, seed = 1): Map<string, string> {
  const random = mulberry32(seed);
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const times = (text: string): number => Math.ceil(size / text.length);
  const texts = new Map<string, string>();
  for (const text of repeated) texts.set(`${JSON.stringify(text)} again and again`, text.repeat(times(text)));
  for (const text of repeated)
    texts.set(`${JSON.stringify(text)} on lines of their own`, `${text}\n`.repeat(times(`${text}\n`)));
  for (const [open, close] of enclosing) {
    const depth = times(open + close);
    texts.set(`${JSON.stringify(open)} in itself`, open.repeat(depth) + close.repeat(depth));
  }
  texts.set("a wide table", columns(Math.round(size / 16), Math.round(size / 8)));
  texts.set("a table of short rows", columns(60, Math.round(size / 3)));
  texts.set(
    "names of links in thousands",
    Array.from({ length: Math.round(size / 12) }, (_, at) => `[a${at}]: b\n[a${at}]`).join("\n"),
  );
  texts.set(
    "notes in thousands",
    Array.from({ length: Math.round(size / 14) }, (_, at) => `[^${at}]: [^${at}]\n`).join("\n"),
  );
  texts.set("HTML that nobody closes", "<div><!--\n<table>\n<script>".repeat(times("<div><!--\n<table>\n<script>")));
  texts.set("escaped columns", `|a|\n|-|\n|${"\\|".repeat(size / 2)}|`);
  texts.set(
    "deeper at each line",
    Array.from({ length: Math.round(Math.sqrt(size)) }, (_, at) => `${" ".repeat(at * 2)}- a`).join("\n"),
  );
  for (let count = 0; count < mixtures; count += 1) {
    const parts = Array.from({ length: 1 + Math.floor(random() * 6) }, () => one(repeated));
    const piece = parts.map((part) => part.repeat(1 + Math.floor(random() * 3))).join("");
    texts.set(`mixture ${count} of ${JSON.stringify(piece)}`, piece.repeat(times(piece)));
  }
  return texts;
}

/** Front matter that is slow or large to read, of about `size` characters. */
export function hostileYaml(size: number): Map<string, string> {
  const times = (text: string): string => text.repeat(Math.ceil(size / text.length));
  const numbered = (name: (at: number) => string): string => {
    let text = "";
    for (let at = 0; text.length < size; at += 1) text += name(at);
    return text;
  };
  return new Map([
    ["a flow mapping", `a: {${numbered((at) => `k${at}: 1, `)}}`],
    ["a block mapping", numbered((at) => `k${at}: 1\n`)],
    ["a flow list", `a: [${times("1,")}]`],
    ["maps in a list", `a: [${times("{a: 1},")}]`],
    ["brackets", `a: ${times("[")}`],
    ["braces", `a: ${times("{")}`],
    ["questions", times("? ")],
    ["dashes", times("- ")],
    ["anchors", numbered((at) => `k${at}: &a${at} 1\n`)],
    ["aliases", `a: &a 1\nb: [${times("*a,")}]`],
    ["tags", `a: [${times("!!str 1,")}]`],
    ["quotes", `a: "${times("\\x41")}"`],
    ["a folded text", `a: >\n${times(" b\n\n")}`],
    ["comments", times("#\n")],
    ["documents", times("--- 1\n")],
    ["directives", times("%YAML 1.2\n")],
    ["merges", `a: &a {b: 1}\n${numbered((at) => `k${at}: {<<: *a}\n`)}`],
    ["numbers", `a: ${times("9")}`],
    ["spaces", `a:${times(" ")}1`],
    ["colons", times(":")],
    [
      "a bomb of aliases",
      `a0: &a0 x\n${Array.from({ length: 40 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]\n`).join("")}`,
    ],
    ["an alias of itself", `a: &a [*a]\n${numbered((at) => `k${at}: *a\n`)}`],
    ["aliases as names", `a: &a x\n${times("? *a\n: 1\n")}`],
    ["lists as names", times("? [a, b]\n: 1\n")],
    ["bytes", `a: !!binary ${times("AAAA")}`],
    ["dates", `a: [${times("2001-12-14t21:59:43.10-05:00,")}]`],
    ["sets", `a: !!set {${numbered((at) => `k${at}, `)}}`],
    ["tags of its own", `${times("%TAG ! tag:a,2000:\n")}--- !b c`],
  ]);
}

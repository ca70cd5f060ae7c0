import { describe, expect, test } from "vitest";
import { markdownToHtml } from "#lib/catalog/cards/html.ts";
import { factsOf } from "#lib/catalog/cards/facts.ts";
import { newCommit } from "#lib/catalog/commits/schema.ts";
import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { displayName } from "#lib/catalog/namespaces/schema.ts";
import { requireNewRefName } from "#lib/catalog/refs/name.ts";
import { createToken } from "#lib/http/operations/account.ts";
import { newPreview } from "#lib/catalog/previews/schema.ts";
import { withoutHidden } from "#lib/util/deceptive.ts";
import { printable, printableLines } from "#lib/util/printable.ts";
import { toStorableJson } from "#lib/util/storable.ts";

/** Every character of a kind, as Unicode counts them. */
const all = (kind: RegExp): string[] => {
  const found = [];
  for (let code = 1; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (kind.test(character)) found.push(character);
  }
  return found;
};
const hidden = all(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u);

const thrown = (act: () => unknown): boolean => {
  try {
    act();
    return false;
  } catch {
    return true;
  }
};
const refuses: Record<string, (name: string) => boolean> = {
  "a branch or tag": (name) => thrown(() => requireNewRefName(name)),
  "a path": (name) => thrown(() => parseNewPath(name)),
  "a display name": (name) => !displayName.safeParse(name).success,
  "a token's name": (name) => !createToken.body!.safeParse({ name, scopes: ["read"] }).success,
  "a commit's title": (title) => !newCommit.safeParse({ title, operations: [{ op: "delete", path: "a" }] }).success,
};
const names = Object.keys(refuses).filter((what) => what !== "a commit's title");

describe.each(Object.entries(refuses))("%s", (what, isRefused) => {
  test(`holds none of ${hidden.length} characters that hide or turn`, () => {
    expect(hidden.length).toBeGreaterThan(4000);
    const taken = hidden.filter((character) => !isRefused(`ma${character}in`));
    expect(taken.map((character) => character.codePointAt(0)!.toString(16))).toEqual([]);
  });

  test("holds no pile of marks, and none on nothing", () => {
    for (const text of [`a${"\u0301".repeat(6)}b`, "\u0301a", "z\u0310\u0312\u0344\u0342\u0307\u0308algo"])
      expect([text, isRefused(text.normalize("NFC"))]).toEqual([text, true]);
  });

  test("may be in any language", () => {
    for (const text of [
      "main",
      "v1.0-beta_2",
      "Ärger",
      "日本語モデル",
      "модель",
      "μοντέλο",
      "نموذج",
      "फ़ाइल",
      "모델",
      "ใหม่",
      "Zażółć",
    ])
      expect([text, isRefused(text.normalize(what === "a branch or tag" ? "NFKC" : "NFC"))]).toEqual([text, false]);
  });
});

describe.each(names)("%s, which is told from others by looking at it,", (what) => {
  test("mixes no letters that pass for one another in one word", () => {
    const latin = "aceopxy";
    const cyrillic = "асеорху";
    for (let at = 0; at < latin.length; at++)
      for (const word of [`m${cyrillic[at]}in`, `${cyrillic[at]}dmin`, `release/${cyrillic[at]}n`, `g${"ο"}od${at}`])
        expect([word, refuses[what]!(word)]).toEqual([word, true]);
    for (const word of ["модель-lora", "lora модель"].filter((one) => what !== "a branch or tag" || !one.includes(" ")))
      expect([word, refuses[what]!(word)]).toEqual([word, false]);
  });

  test("holds no space but the plain one", () => {
    for (const space of all(/\p{Zs}/u).filter((one) => one !== " ")) expect(refuses[what]!(`a${space}b`)).toBe(true);
  });
});

describe("a branch or tag", () => {
  const isRefused = refuses["a branch or tag"]!;

  test("is in no other spelling of plain letters, and reads as no Latin word that it is not", () => {
    for (const name of ["ｍａｉｎ", "𝐦𝐚𝐢𝐧", "ﬁx", "v①", "x²", "сору", "АВС", "ΑΒΕ", "release/оса"])
      expect([name, isRefused(name)]).toEqual([name, true]);
  });

  test("is never the beginning of a commit's id, in either case", () => {
    const id = "0123456789abcdef0123456789abcdef01234567";
    for (let length = 4; length <= 40; length++)
      for (const name of [id.slice(0, length), id.slice(0, length).toUpperCase(), "deadbeefcafe".slice(0, length)])
        expect([name, isRefused(name)]).toEqual([name, true]);
    for (const name of ["HEAD", "head", "Head"]) expect(isRefused(name)).toBe(true);
    for (const name of ["v1", "abc", "release-0123456", "0123456g", "main"])
      expect([name, isRefused(name)]).toEqual([name, false]);
  });
});

test("names and titles take whole emoji, and none that is cut", () => {
  for (const text of ["❤️ LoRA", "👩‍🎨 paints", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🇫🇷", "1️⃣ first"])
    for (const what of ["a display name", "a token's name", "a commit's title"])
      expect([text, refuses[what]!(text)]).toEqual([text, false]);
  for (const text of ["a\ufe0fb", "a\u200db", "👩\u200d", "x\u{e0067}y"])
    for (const what of names) expect([text, refuses[what]!(text)]).toEqual([text, true]);
});

test("what is told of a text writes all of them out", () => {
  for (const character of hidden) expect(printable(`a${character}b`)).not.toContain(character);
});

describe("prose", () => {
  const doors: Record<string, (text: string) => boolean> = {
    "a commit's message": (message) =>
      newCommit.safeParse({ title: "a", message, operations: [{ op: "delete", path: "a" }] }).success,
    "a prompt": (prompt) =>
      newPreview
        .safeParse({ finetune: "ann/clay", guide: "ann/guide", prompt })
        .error?.issues.every(({ path }) => path[0] !== "prompt") ?? true,
  };
  const ends = new Set(["\n", "\t", "\r"]);

  test.each(Object.entries(doors))("as %s: nothing hides in it or turns it, in any line", (what, isTaken) => {
    const taken = hidden.filter(
      (character) => !ends.has(character) && (isTaken(`ma${character}in`) || isTaken(`${character}x`)),
    );
    expect(taken.map((character) => character.codePointAt(0)!.toString(16))).toEqual([]);
    if (what === "a commit's message") {
      expect(isTaken("one\ntwo \u202e three")).toBe(false);
      expect(isTaken("one\r\n\ttwo\n\n- three")).toBe(true);
    }
    for (const text of ["می‌خواهم", "क्‍ष", "a 👩‍👩‍👧 family ❤️", "日本語", "Größe"])
      expect([text, isTaken(text)]).toEqual([text, true]);
    expect(isTaken("a\u200cb")).toBe(false); // a joiner where nothing is joined
  });

  test("that is there already is shown without them, and files with them written out", () => {
    for (const character of hidden.filter((one) => !ends.has(one)))
      expect([withoutHidden(`ma${character}in`), printableLines(`a\nma${character}in`)]).toEqual([
        "main",
        `a\nma\\u{${character.codePointAt(0)!.toString(16)}}in`,
      ]);
    for (const text of ["می‌خواهم\n\ta", "👩‍👩‍👧", "plain"])
      expect([withoutHidden(text), printableLines(text)]).toEqual([text, text]);
  });

  test("of a card, also where it is written as an entity, in the text of a picture or in its summary", () => {
    const html = markdownToHtml('a&#x202e;b \u2067c ![d&#x202d;e](f.png "g&#8238;h") `i\u202ej`');
    expect(html).not.toMatch(/[\p{Bidi_Control}]|&#x20/iu);
    expect(html).toContain("ab c");
    expect(factsOf({ summary: "\u3164a\u034f \u2800b", tags: ["x\u202ey"] }, "")).toMatchObject({
      summary: "a b",
      tags: ["x y"],
    });
    expect(toStorableJson({ "k\u202e": ["v\u2066\0"] })).toEqual({ k: ["v\ufffd"] });
  });
});

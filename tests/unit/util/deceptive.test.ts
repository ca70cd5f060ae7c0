import { describe, expect, test } from "vitest";
import { newCommit } from "#lib/catalog/commits/schema.ts";
import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { displayName } from "#lib/catalog/namespaces/schema.ts";
import { requireNewRefName } from "#lib/catalog/refs/name.ts";
import { createToken } from "#lib/http/operations/account.ts";
import { printable } from "#lib/util/printable.ts";

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

import { describe, expect, test } from "vitest";
import { newPassword } from "#lib/auth/schema.ts";
import { requireStrong, weaknessOf } from "#lib/auth/password-strength.ts";
import { PASSWORD } from "../../support/people.ts";

const ann = { username: "annabel-lee", email: "annabel.poe@example.org", name: "Annabel Lee" };
const seeded = (seed: number) => () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
const random = seeded(7);
const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;

const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789!?äß犬🦊"];
const weak: Record<string, string[]> = {
  "one character again and again": letters.map((letter) => letter.repeat(12)),
  "two characters": Array.from({ length: 30 }, () => {
    const two = [pick(letters), pick(letters)];
    return Array.from({ length: 14 }, () => pick(two)).join("");
  }),
  "a few characters again and again": Array.from({ length: 30 }, () =>
    Array.from({ length: 2 + Math.floor(random() * 4) }, () => pick(letters))
      .join("")
      .repeat(8)
      .slice(0, 24),
  ),
  "a row": [
    "abcdefghijkl",
    "zyxwvutsrqpo",
    "123456789012",
    "098765432109",
    "qwertyuiop[]",
    "1q2w3e4r5t6y",
    "asdfghjkl;'a",
  ],
  "a known one": ["password1234", "P@ssw0rd1234", "iloveyou1234", "letmeinletmein", "qwerty123456", "monkeydragon12"],
  "one of full-width letters, or with what is not seen": [
    "ｐａｓｓｗｏｒｄ１２３４",
    "pass\u200bword\u20601234",
    "pa\u00adssword1234",
  ],
  "one's own names, or the hub's": [
    "annabel-lee-1",
    "Annabel-Lee-Annabel",
    "annabel.poe@example.org",
    "AnnabelLee2026",
    "guidepost2026!",
    "Guidepost-Guidepost",
    "guidepost-annabel",
  ],
};

describe("a password that is guessed soon is refused", () => {
  test.each(Object.entries(weak))("%s", async (_what, passwords) => {
    const passed = [];
    for (const password of passwords) if ((await weaknessOf(password, ann)) === null) passed.push(password);
    expect(passed).toEqual([]);
  });

  test("and the message says why, and what to do", async () => {
    await expect(requireStrong("aaaaaaaaaaaa", ann, "new")).rejects.toMatchObject({
      code: "bad_request",
      message:
        "This password would be guessed soon: it is made of few different characters; take a few words that only you would put together.",
      detail: { field: "new" },
    });
    expect(await weaknessOf("password1234", ann)).toBe("it is like passwords that are tried first");
    expect(await weaknessOf("guidepost-annabel", ann)).toBe(
      "without your own names and the hub's there is little left of it",
    );
  });
});

test("words that only one person puts together, and what a program makes, are taken", async () => {
  const strong = [
    PASSWORD,
    "another horse battery",
    "annabel likes 7 purple mushrooms", // one's own name beside much else
    "пароль из слов 🦊🦊",
    "犬も歩けば棒に当たるという",
    ...Array.from({ length: 20 }, () =>
      Array.from({ length: 16 }, () => pick([..."abcdefghijkmnpqrstuvwxyzABCDEFGH23456789"])).join(""),
    ),
    Array.from({ length: 128 }, () => pick(letters))
      .join("")
      .slice(0, 128),
  ];
  for (const password of strong) expect([password, await weaknessOf(password, ann)]).toEqual([password, null]);
});

test("twelve characters are twelve that a person counts", () => {
  for (const short of ["🦊🐺🐻🐼🐨🐯", "short", "e\u0301".repeat(6)])
    expect(newPassword.safeParse(short).success).toBe(false);
  for (const long of ["🦊🐺🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔", "twelve chars"])
    expect(newPassword.safeParse(long).success).toBe(true);
});

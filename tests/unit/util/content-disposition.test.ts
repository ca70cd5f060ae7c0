import { expect, test } from "vitest";
import { contentDisposition } from "#lib/util/content-disposition.ts";

test("a plain name is written twice", () => {
  expect(contentDisposition("inline", "clay.safetensors")).toBe(
    `inline; filename*=UTF-8''clay.safetensors; filename="clay.safetensors";`,
  );
});

test("other letters are written in full for those who read them, and as _ for the rest", () => {
  expect(contentDisposition("attachment", "Müll 猫.bin")).toBe(
    `attachment; filename*=UTF-8''M%C3%BCll%20%E7%8C%AB.bin; filename="M_ll _.bin";`,
  );
});

test("nothing in a name ends the header, the quotes or the parameter", () => {
  const names: Readonly<Record<string, string>> = {
    'a"; filename="evil.exe': `attachment; filename*=UTF-8''a%22%3B%20filename%3D%22evil.exe; filename="a\\"; filename=\\"evil.exe";`,
    "a\r\nSet-Cookie: b": `attachment; filename*=UTF-8''a__Set-Cookie%3A%20b; filename="a__Set-Cookie: b";`,
    "../..\\c": `attachment; filename*=UTF-8''.._.._c; filename=".._.._c";`,
    "it's (1)*%41": `attachment; filename*=UTF-8''it%27s%20%281%29%2A%2541; filename="it's (1)*%41";`,
    "a\u202Egnp.exe": `attachment; filename*=UTF-8''a_gnp.exe; filename="a_gnp.exe";`,
    "half \uD800 pair": `attachment; filename*=UTF-8''half%20%EF%BF%BD%20pair; filename="half _ pair";`,
  };
  for (const [name, header] of Object.entries(names)) expect(contentDisposition("attachment", name)).toBe(header);
});

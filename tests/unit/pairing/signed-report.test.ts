import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { deriveSigningKey } from "#lib/catalog/reports/signing-key.ts";
import { isAuthentic, keyIdOf, type SignedReport, signReport, toReportKey } from "#lib/pairing/signed-report.ts";

const { privateKey, publicKey } = await deriveSigningKey("a secret of at least thirty-two letters");
const report = {
  format: "guidepost-report/1",
  verdict: "verified",
  numbers: [0.1, 1e21, 1e-7, -0, 1 / 3, 4.5e-7],
  nested: { ö: '\u20ac$\u000f\nA\'B"\\"/', "1": null, a: [true, false, {}] },
};
const signed = await signReport(report, privateKey, publicKey);

/** Every leaf of a value changed, one at a time, each name changed, and each left out. */
function* changed(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    yield [...value, 0];
    for (const [at, part] of value.entries()) {
      yield value.toSpliced(at, 1);
      for (const other of changed(part)) yield value.with(at, other);
    }
  } else if (typeof value === "object" && value !== null) {
    yield { ...value, more: 0 };
    for (const [name, part] of Object.entries(value)) {
      const { [name]: _, ...rest } = value as Record<string, unknown>;
      yield rest;
      yield { ...rest, [`${name}x`]: part };
      for (const other of changed(part)) yield { ...value, [name]: other };
    }
  } else yield typeof value === "number" ? value * 2 + 1 : typeof value === "boolean" ? !value : `${String(value)} `;
}

describe("a signed report", () => {
  test("is what was signed, also indented anew and with its names in another order", async () => {
    expect(await isAuthentic(signed, [publicKey])).toBe(true);
    const { nested, ...rest } = JSON.parse(JSON.stringify(signed.report, null, 4)) as typeof report;
    const turned = { ...signed, report: { nested: Object.fromEntries(Object.entries(nested).toReversed()), ...rest } };
    expect(await isAuthentic(turned, [publicKey])).toBe(true);
  });

  test("is not what was signed once a sign of it is another", async () => {
    const all = [...changed(report)];
    expect(all.length).toBeGreaterThan(30);
    for (const other of all)
      expect([other, await isAuthentic({ ...signed, report: other }, [publicKey])]).toEqual([other, false]);
  });

  test("is checked by whoever knows RFC 7797 and RFC 8785 without our code", () => {
    const header = JSON.parse(Buffer.from(signed.signature.protected, "base64url").toString()) as object;
    expect(header).toEqual({ alg: "EdDSA", kid: publicKey.kid, b64: false, crit: ["b64"] });
    const canonical =
      '{"format":"guidepost-report/1","nested":{"1":null,"a":[true,false,{}],"ö":"€$\\u000f\\nA\'B\\"\\\\\\"/"},"numbers":[0.1,1e+21,1e-7,0,0.3333333333333333,4.5e-7],"verdict":"verified"}';
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey.x! }, format: "jwk" });
    const bytes = Buffer.from(`${signed.signature.protected}.${canonical}`);
    expect(verify(null, bytes, key, Buffer.from(signed.signature.signature, "base64url"))).toBe(true);
  });

  test("is not taken from somebody else, nor with a header that says otherwise", async () => {
    const other = await toReportKey(generateKeyPairSync("ed25519").publicKey);
    expect(await isAuthentic(signed, [other])).toBe(false);
    expect(await isAuthentic(signed, [{ ...other, kid: publicKey.kid }])).toBe(false);
    expect(await isAuthentic(signed, [])).toBe(false);
    const headers = [
      { alg: "none", kid: publicKey.kid },
      { alg: "HS256", kid: publicKey.kid },
      { alg: "EdDSA", kid: publicKey.kid },
      {},
      null,
      [],
    ];
    for (const header of headers) {
      const signature = { ...signed.signature, protected: Buffer.from(JSON.stringify(header)).toString("base64url") };
      expect([header, await isAuthentic({ ...signed, signature }, [publicKey])]).toEqual([header, false]);
    }
    for (const broken of ["", "!", "e30", "bm90IGpzb24"]) {
      const one: SignedReport = { report, signature: { protected: broken, signature: signed.signature.signature } };
      expect([broken, keyIdOf(one), await isAuthentic(one, [publicKey])]).toEqual([broken, null, false]);
    }
  });
});

test("the key of a hub is the same in every process, and another for another secret", async () => {
  expect((await deriveSigningKey("a secret of at least thirty-two letters")).publicKey).toEqual(publicKey);
  expect((await deriveSigningKey("a secret of at least thirty-two letterS")).publicKey.kid).not.toBe(publicKey.kid);
});

import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";
import { database } from "#lib/db/client.ts";
import { requireSecret } from "#lib/env.ts";
import { type ReportKey, toReportKey } from "#lib/pairing/signed-report.ts";

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: ReportKey;
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Made of GUIDEPOST_SECRET (HKDF, RFC 5869), so that every web process of a hub signs with the same key and there is one secret to keep.
 * The purpose is part of it: nothing else that is made of the secret says anything about this key.
 */
export async function deriveSigningKey(secret: string): Promise<SigningKey> {
  const seed = Buffer.from(hkdfSync("sha256", secret, "", "guidepost: signs reports, 1", 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
  return { privateKey, publicKey: await toReportKey(createPublicKey(privateKey)) };
}

let known: Promise<SigningKey> | undefined;

/** The key of this hub, once it is listed: what was signed with it stays to be checked when the secret is another. */
export function signingKey(): Promise<SigningKey> {
  known ??= list(requireSecret()).catch((failure: unknown) => {
    known = undefined;
    throw failure;
  });
  return known;
}

async function list(secret: string): Promise<SigningKey> {
  const key = await deriveSigningKey(secret);
  const { kid, x } = key.publicKey;
  await database().reportKey.createMany({ data: [{ id: kid, x: x! }], skipDuplicates: true });
  return key;
}

/** The public keys that reports of this hub were ever signed with, the newest first. */
export async function reportKeys(): Promise<ReportKey[]> {
  await signingKey();
  const rows = await database().reportKey.findMany({ orderBy: { firstUsedAt: "desc" }, take: MOST_KEYS });
  return rows.map(({ id, x }) => ({ kty: "OKP", crv: "Ed25519", x, kid: id, alg: "EdDSA", use: "sig" }));
}

/** An operator who changes the secret every week for two years. */
const MOST_KEYS = 100;

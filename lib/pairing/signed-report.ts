import type { KeyObject } from "node:crypto";
import canonicalize from "canonicalize";
import { calculateJwkThumbprint, exportJWK, flattenedVerify, FlattenedSign, importJWK, type JWK } from "jose";

/**
 * A report and its signature: a JSON Web Signature with detached content (RFC 7515, appendix F; RFC 7797), Ed25519 (RFC 8037), over the
 * canonical form of `report` (RFC 8785). So the report stays readable, may be indented anew, and cannot be changed by a sign.
 */
export interface SignedReport<Report = unknown> {
  readonly report: Report;
  readonly signature: { readonly protected: string; readonly signature: string };
}

/** A public key of a hub, as its key set (RFC 7517) lists it; `kid`: its thumbprint (RFC 7638). */
export type ReportKey = JWK & { readonly kid: string };

/** The public half of an Ed25519 key. */
export async function toReportKey(key: KeyObject): Promise<ReportKey> {
  const { kty, crv, x } = await exportJWK(key);
  const jwk = { kty, crv, x } as JWK;
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: "EdDSA", use: "sig" };
}

/** @param report what JSON can hold; a number that is none, or a text that is no Unicode, cannot be signed */
export async function signReport<Report>(
  report: Report,
  privateKey: KeyObject,
  { kid }: Pick<ReportKey, "kid">,
): Promise<SignedReport<Report>> {
  const { protected: header, signature } = await new FlattenedSign(bytesOf(report))
    .setProtectedHeader({ alg: "EdDSA", kid, b64: false, crit: ["b64"] })
    .sign(privateKey);
  return { report, signature: { protected: header!, signature } };
}

/** Who is said to have signed it; null where the signature says nothing that can be read. */
export function keyIdOf({ signature }: SignedReport): string | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(signature.protected, "base64url").toString("utf8"));
    const kid = (header as { kid?: unknown } | null)?.kid;
    return typeof kid === "string" ? kid : null;
  } catch {
    return null;
  }
}

/** Whether it is, sign for sign, what the holder of one of these keys signed. */
export async function isAuthentic(signed: SignedReport, keys: readonly ReportKey[]): Promise<boolean> {
  const key = keys.find(({ kid }) => kid === keyIdOf(signed));
  if (!key) return false;
  try {
    const { kty, crv, x } = key;
    const payload = bytesOf(signed.report);
    await flattenedVerify({ ...signed.signature, payload }, await importJWK({ kty, crv, x } as JWK, "EdDSA"), {
      algorithms: ["EdDSA"],
      crit: { b64: true },
    });
    return true;
  } catch {
    return false; // a wrong signature, a header or a key that is none: in any case not what was signed
  }
}

const bytesOf = (report: unknown): Uint8Array => new TextEncoder().encode(canonicalize(report));

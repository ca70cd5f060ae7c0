import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { isAuthentic, keyIdOf, type ReportKey, type SignedReport, toReportKey } from "#lib/pairing/signed-report.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { askHub, readText } from "./from-hub.ts";

const KEYS_AT = "/.well-known/guidepost-report-keys.json";
const MOST_BYTES = 2 ** 20;

const key = z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), kid: z.string().optional() });
const keySet = jsonString(z.object({ keys: z.array(key) }));

export interface Signer {
  /** The hub that the report names, as an origin. */
  readonly hub: string;
  readonly keyId: string;
  /** Where the key came from: the hub itself, or a file that the person has. */
  readonly keyFrom: string;
  /** Null where the signature does not hold: then what is said to have been signed was not. */
  readonly isAuthentic: boolean;
}

/**
 * Whose signature a report carries, and whether it holds.
 *
 * @param keyFile a key or key set to go by, in place of what the hub says of itself
 * @throws bad_request where the hub, or its key, is not there
 */
export async function whoSigned(
  signed: SignedReport<Readonly<Record<string, unknown>>>,
  keyFile: string | null,
): Promise<Signer> {
  const hub = hubOf(signed.report["hub"]);
  const keyId = keyIdOf(signed);
  if (keyId === null) return { hub: hub.origin, keyId: "none", keyFrom: "nowhere", isAuthentic: false };
  const keys = keyFile === null ? await keysOf(hub) : await keysIn(keyFile);
  if (!keys.some(({ kid }) => kid === keyId))
    throw new AppError(
      "bad_request",
      keyFile === null
        ? `${hub.origin} has no key ${keyId}, with which the report says that it signed: either it did not, or that key is gone; nothing is proven.`
        : `${keyFile} has no key ${keyId}, with which the report says that it was signed; give the key file of ${hub.origin}.`,
      { keyId },
    );
  const keyFrom = keyFile ?? hub.origin;
  return { hub: hub.origin, keyId, keyFrom, isAuthentic: await isAuthentic(signed, keys) };
}

function hubOf(said: unknown): URL {
  const url = typeof said === "string" ? URL.parse(said) : null;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new AppError("bad_request", "The report names no hub that could have signed it; get it again from its hub.");
}

async function keysOf(hub: URL): Promise<ReportKey[]> {
  const url = new URL(KEYS_AT, hub);
  const response = await askHub(url);
  const found = response.ok ? keySet.safeParse(await readText(response, url, MOST_BYTES)) : null;
  if (!response.ok) response.close();
  if (!found?.success)
    throw new AppError(
      "bad_request",
      `${hub.origin} does not say which keys it signs with (${response.status} at ${KEYS_AT}); give its key with --key FILE if you have it.`,
      { status: response.status },
    );
  return toReportKeys(found.data.keys);
}

/** A key set or one key as JSON, as a hub gives it, or a public key in PEM. */
async function keysIn(path: string): Promise<ReportKey[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} cannot be read; check the path of --key.`, { path }, cause);
  });
  const set = keySet.safeParse(text).data?.keys;
  const one = jsonString(key).safeParse(text).data;
  if (set ?? one) return toReportKeys(set ?? [one!]);
  try {
    return [await toReportKey(createPublicKey(text))];
  } catch (cause) {
    throw new AppError(
      "bad_request",
      `${path} holds no Ed25519 key; give what a hub has at ${KEYS_AT}, or a public key in PEM.`,
      { path },
      cause,
    );
  }
}

/** Known by its thumbprint, whatever name somebody gave it: a set that lies about that names no key of ours. */
async function toReportKeys(keys: readonly z.output<typeof key>[]): Promise<ReportKey[]> {
  const made: ReportKey[] = [];
  for (const { x } of keys) {
    try {
      made.push(await toReportKey(createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })));
    } catch {
      // not a point of the curve: nothing was signed with it
    }
  }
  return made;
}

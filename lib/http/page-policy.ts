import type { S3Settings } from "#lib/env.ts";

/** What answers for itself: downloads carry a stricter policy of their own, and the API has no pages. */
const ownPolicy = /^\/(api|storage)\/|^\/[^/]+\/[^/]+\/resolve\//;

/**
 * What a page may load: from this hub only, so that no card can tell another site who reads it. Uploads and downloads go straight to the
 * store. Of the scripts that stand in the page itself only those run that Next wrote there and marked with `nonce`. Styles stand in
 * attributes, as a bar's length does, and nowhere else.
 *
 * @returns the value of Content-Security-Policy, or null where it is not a page
 */
export function pagePolicy(path: string, s3: S3Settings | null, nonce: string): string | null {
  if (ownPolicy.test(path)) return null;
  const here = ["'self'", ...(s3 ? originsOf(s3) : [])].join(" ");
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    `img-src ${here} data: blob:`,
    `connect-src ${here}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Where signed addresses may lead: to the store, or to the bucket by a name of its own. */
function originsOf({ endpoint, bucket }: S3Settings): string[] {
  const { protocol, host, origin } = new URL(endpoint);
  return [origin, `${protocol}//${bucket}.${host}`];
}

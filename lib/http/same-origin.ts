import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";

/**
 * A request that a cookie authorises and that changes something must come from our own pages: a form on another site would carry
 * the cookie as well. Tokens in a header are exempt, for no browser sends those by itself.
 */
export function requireSameOrigin(request: Request): void {
  if (["GET", "HEAD", "OPTIONS"].includes(request.method)) return;
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  if (origin === env().publicUrl || (origin === null && site === "same-origin")) return;
  throw new AppError(
    "forbidden",
    `This request comes from another site; open ${env().publicUrl} and do it there, or use an access token.`,
    { origin },
  );
}

/**
 * For requests that need no cookie and set one: a browser says where they come from, and another site must not sign somebody in
 * as somebody else. Programs say nothing.
 */
export function refuseOtherSite(request: Request): void {
  if (request.headers.has("origin") || request.headers.has("sec-fetch-site")) requireSameOrigin(request);
}

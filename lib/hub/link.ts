import { env } from "#lib/env.ts";

/**
 * The header that says where a list goes on: absolute, for one client looks for “http” in it, and with quotes around “next”. Without
 * an address there is no more.
 */
export function linkTo(request: Request, cursor: string | null): Record<string, string> {
  if (cursor === null) return {};
  const { pathname, search } = new URL(request.url);
  const next = new URL(pathname + search, env().publicUrl);
  next.searchParams.set("cursor", cursor);
  return { Link: `<${next.href}>; rel="next"` };
}

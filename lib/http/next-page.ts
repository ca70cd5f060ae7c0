/** Where to go after signing in: a page of this hub, or nowhere. An address that a browser would take for another site is none. */
export function nextPage(given: unknown): string | null {
  if (typeof given !== "string" || given.length > 2000 || !/^\/(?![/\\])[^\p{Cc}\s\\]*$/u.test(given)) return null;
  const base = "http://here.invalid";
  return URL.canParse(given, base) && new URL(given, base).origin === base ? given : null;
}

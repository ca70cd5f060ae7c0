/**
 * A name out of the address of a page. Next gives a page its names escaped, and its metadata without escapes; no path or branch here
 * may hold an escape of its own, so undoing them twice does no harm.
 */
export function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // “100%”
  }
}

import { AppError } from "#lib/errors.ts";

/** The names in braces of a template like `/api/models/{owner}/{repo}`. */
export type NamesOf<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesOf<Rest>
  : never;

/**
 * What stands in an address where its template has a name; a name at the end takes all that is left, slashes too.
 *
 * Each segment is decoded once, after the address was taken apart: an escaped slash belongs to the name of a branch, and a name
 * that holds a “%” keeps it. What Next hands over was decoded by rules of its own.
 *
 * @throws bad_request for an escape that is not UTF-8
 */
export function namesInAddress<Template extends string>(
  template: Template,
  url: string,
): Readonly<Record<NamesOf<Template>, string>> {
  const parts = template.split("/");
  const segments = segmentsOf(url);
  const found = parts.flatMap((part, at): [string, string][] => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return [];
    const isLast = at === parts.length - 1;
    return [[name, isLast ? segments.slice(at).join("/") : (segments[at] ?? "")]];
  });
  return Object.fromEntries(found) as Record<NamesOf<Template>, string>;
}

function segmentsOf(url: string): string[] {
  try {
    return new URL(url).pathname.split("/").map(decodeURIComponent);
  } catch (cause) {
    throw new AppError(
      "bad_request",
      "The address holds an escape that is not UTF-8; encode it with percent signs again.",
      {},
      cause,
    );
  }
}

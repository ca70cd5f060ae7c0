import { AppError } from "#lib/errors.ts";
import { deceitInIdentifier } from "#lib/util/deceptive.ts";
import { printable } from "#lib/util/printable.ts";

/**
 * A branch or tag shows as what it is, and is never taken for a commit, or for what git and Hub clients mean by a name themselves: one named
 * like the beginning of an id would be found in its place.
 * Those that are there already stay. @throws bad_request, which says why and what to do
 */
export function requireNewRefName(name: string): void {
  const why =
    name.toUpperCase() === "HEAD"
      ? "always means the default branch"
      : name === "@" || /^[A-Z_]+_HEAD$/.test(name) || /^refs\//i.test(name)
        ? "means something else to git and to programs that read hubs"
        : /^[0-9a-f]{4,64}$/i.test(name)
          ? "could be the beginning of a commit's id"
          : deceitInIdentifier(name);
  if (why === null) return;
  throw new AppError(
    "bad_request",
    `“${printable(name)}” cannot be the name of a branch or tag: it ${why}; choose another name.`,
    { field: "name", name },
  );
}

import { operations } from "#lib/http/operations/all.ts";

const byAddress = (a: (typeof operations)[number], b: (typeof operations)[number]): number =>
  a.path === b.path ? (a.method < b.method ? -1 : 1) : a.path < b.path ? -1 : 1;

/**
 * The last table of docs/api.md, from the operations themselves; a test fails where the page has another:
 *
 *   node guidepost.js run docs/api-operations.ts
 */
export const operationsTable = (): string =>
  [
    ["", "does", "for", "scope of a token"],
    ["---", "---", "---", "---"],
    ...operations
      .toSorted(byAddress)
      .map(({ method, path, summary, permission, scope }) => [
        `\`${method} ${path}\``,
        summary,
        permission,
        [scope ?? ""].flat().join(" or "),
      ]),
  ]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

if (import.meta.main) console.log(operationsTable());

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

// What is read from the database and may be many rows says how many in its own text: a LIMIT or `take`, or the keys that it is asked for.
// Everything else is named here, with what bounds it; a new statement without either fails, and so does a line here that has become idle.
// That no statement reads a table whole is asserted by its plan, in plans.test.ts.

const ROOT = join(import.meta.dirname, "../../..");

/** How many statements of a file bound nothing themselves, and why they need not. */
const bounded: Readonly<Record<string, readonly [count: number, why: string]>> = {
  "lib/auth/access.ts": [1, "a repo by its unique name"],
  "lib/auth/invitations.ts": [1, "what operators made and nobody used yet"],
  "lib/auth/reading.ts": [1, "a repo by its id"],
  "lib/auth/sign-in.ts": [1, "a person by a unique name or address"],
  "lib/auth/token.ts": [1, "the tokens of one person, 100 at most"],
  "lib/catalog/commits/repository.ts": [3, "a repo by its id; its default branch; history up to a number"],
  "lib/catalog/comparisons/repository.ts": [
    2,
    "one answer of a person for each prompt of a pair; how many for each side",
  ],
  "lib/catalog/files/repository.ts": [
    4,
    "a file at one path; the files of one commit, 10,000 at most; history up to a number; a repo by its id",
  ],
  "lib/catalog/fsck/repository.ts": [6, "all of a hub, on its command line only"],
  "lib/catalog/jobs/repository.ts": [1, "the newest 1,000, by what it stands on"],
  "lib/catalog/namespaces/repository.ts": [1, "the organisations of one person"],
  "lib/catalog/pairs/family.ts": [1, "two numbers that stop at a bound"],
  "lib/catalog/pairs/models.ts": [2, "a model by its id"],
  "lib/catalog/pairs/repository.ts": [1, "the levels of one pair"],
  "lib/catalog/pairs/weights.ts": [1, "all that one repo ever was"],
  "lib/catalog/periods/repository.ts": [
    2,
    "the row that was added; periods that have ended and were not told, one or two",
  ],
  "lib/catalog/previews/repository.ts": [
    3,
    "a preview by its id; the columns of one sheet; rows by their ids, which a function puts in",
  ],
  "lib/catalog/quotas/rerun-use.ts": [1, "one row of sums"],
  "lib/catalog/quotas/repository.ts": [1, "a namespace by its person"],
  "lib/catalog/recipes/repository.ts": [1, "a commit by its id"],
  "lib/catalog/refs/repository.ts": [1, "a ref by its unique name"],
  "lib/catalog/reports/repository.ts": [1, "the repos that a report names"],
  "lib/catalog/repos/facets.ts": [3, "whether there is any; 100 values a facet; the newest 1,000"],
  "lib/catalog/repos/few.ts": [2, "whether there are few; then those, few"],
  "lib/catalog/repos/keep-counts.ts": [2, "whether there is any; a lock"],
  "lib/catalog/repos/repository.ts": [2, "repos of a list that says how many; a commit by its id"],
  "lib/catalog/repos/search.ts": [1, "as many as its function is told"],
  "lib/catalog/trees/repository.ts": [1, "the files of one commit, 10,000 at most"],
  "lib/queue/attempt.ts": [6, "the job of one subject and kind"],
  "lib/queue/choose.ts": [1, "one row for each resource"],
  "lib/queue/claim.ts": [2, "a job by its id"],
  "lib/queue/enqueue.ts": [1, "the row that was added"],
  "lib/queue/position.ts": [3, "a job; what runs, as many as there are places; whose turn is not reached yet"],
  "lib/queue/repository.ts": [1, "the workers that are online"],
  "workers/hub/runner.ts": [1, "a job by its id"],
};

const isBounded = (text: string): boolean => /\bLIMIT\b|\bANY \(|\bunnest\(|atMost\(|\btake\b|\{ in: /.test(text);

/** From `open` to what closes it. */
function upToEnd(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(" || text[at] === "{") depth++;
    else if (text[at] === ")" || text[at] === "}") depth--;
    if (depth === 0 && at > open) return text.slice(open, at + 1);
  }
  return text.slice(open);
}

/** The template that begins after the backtick at `open`, with what is put into it. */
function template(text: string, open: number): string {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text.startsWith("${", at)) at += upToEnd(text, at + 1).length;
    else if (text[at] === "`") return text.slice(open + 1, at);
  }
  return text.slice(open);
}

/** The statements of a source that are asked for rows. */
function statementsOf(source: string): string[] {
  const raw = [...source.matchAll(/\$queryRaw(?:<[^`]*?>)?\s*`/g)].map(({ 0: found, index }) =>
    template(source, index + found.length - 1),
  );
  const many = [...source.matchAll(/\.(?:findMany|groupBy)\(/g)]
    .filter(({ index }) => !/Map$|Object$/.test(source.slice(0, index)))
    .map(({ 0: found, index }) => upToEnd(source, index + found.length - 1));
  return [...raw, ...many];
}

test("a statement that may have many rows says how many", async () => {
  const found: Record<string, number> = {};
  const unbound: Record<string, string[]> = {};
  for (const folder of ["lib", "workers", "app"])
    for (const entry of await readdir(join(ROOT, folder), { recursive: true })) {
      const path = `${folder}/${entry}`;
      if (!/\.tsx?$/.test(path) || path.includes("/generated/")) continue;
      const statements = statementsOf(readFileSync(join(ROOT, path), "utf8"));
      const open = statements.filter((text) => !isBounded(text));
      found["all"] = (found["all"] ?? 0) + statements.length;
      if (open.length !== (bounded[path]?.[0] ?? 0))
        unbound[path] = open.map((text) => text.replaceAll(/\s+/g, " ").slice(0, 150));
    }
  expect(unbound).toEqual({});
  expect(found["all"]).toBeGreaterThan(110);
});

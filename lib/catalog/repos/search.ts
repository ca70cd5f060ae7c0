import { reposWithHash } from "#lib/catalog/hashes/repository.ts";
import { fileHash } from "#lib/catalog/hashes/schema.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";

/** What was asked for in words: the repos that answer, or, of too many to name, some of them and a condition on a repo `r`. */
export type Wording =
  | { readonly found: readonly string[] }
  | { readonly some: readonly string[]; readonly common: Prisma.Sql };

const MAX_WORDS = 8;
const TRIGRAM = 3; // letters, of which the index on names is made

/** So many are named. Where there are more, a walk through any list of repos meets one after a few dozen. */
const MAX_FOUND = 2000;

/**
 * Looks for repos of which every word begins a word of owner, name, summary or tags, for those with all of `q` within their name, and, where
 * it is the hash of a file, for those that have the file.
 */
export async function searchFor(q: string): Promise<Wording> {
  const words = q.split(/[\s!-/:-@[-`{-~]+/).filter((word) => word !== ""); // ASCII punctuation parts words, as where they are kept
  const begun =
    words.length === 0
      ? null
      : words
          .slice(0, MAX_WORDS)
          .map((word) => `'${word}':*`)
          .join(" & ");
  const name = q.trim().toLowerCase();
  const within = [...name].length < TRIGRAM ? null : `%${name.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const rows = await database().$queryRaw<
    { id: string }[]
  >`SELECT id FROM repos_with_words(${begun}, ${within}, ${MAX_FOUND + 1}) id`;
  const hash = fileHash.safeParse(q);
  const ids = [...new Set([...(hash.success ? await reposWithHash(hash.data) : []), ...rows.map(({ id }) => id)])];
  return ids.length <= MAX_FOUND
    ? { found: ids }
    : {
        some: ids,
        common: Prisma.sql`(SELECT s.words @@ to_tsquery('simple', ${begun}) OR s.name LIKE ${within} FROM repo_search s WHERE s.repo_id = r.id)`,
      };
}

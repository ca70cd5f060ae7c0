import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { AWAITED, priorities } from "#lib/queue/jobs.ts";
import { postmasterFile } from "#workers/setup/postgres-orphan.ts";

/** A fine-tune and a guide, each like owner/repo. */
export type NamedPair = readonly [finetune: string, guide: string];

/**
 * What a hub with the embedded database measures by itself waits from here on, but the first look at these pairs, which it takes
 * before other work that nobody waits for; no curve is measured. All that the starter collection has to be measured is an hour of two processors, which
 * whatever is tested beside it would lack. What somebody asks for or uploads is measured as ever.
 */
export async function measureOnly(folder: string, pairs: readonly NamedPair[]): Promise<void> {
  const cluster = join(folder, "postgres/cluster");
  const password = (await readFile(join(cluster, "password"), "utf8")).trim();
  const client = new pg.Client(`postgresql://guidepost:${password}@127.0.0.1:${postmasterFile(cluster)[3]}/guidepost`);
  await client.connect();
  try {
    await client.query(holding(pairs));
  } finally {
    await client.end();
  }
}

const holding = (pairs: readonly NamedPair[]): string => `
  CREATE FUNCTION hold_check() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.kind = 'check' AND EXISTS (SELECT FROM pair p
        JOIN commit fc ON fc.id = p.finetune_commit_id JOIN repo f ON f.id = fc.repo_id JOIN namespace fn ON fn.id = f.namespace_id
        JOIN commit gc ON gc.id = p.guide_commit_id JOIN repo g ON g.id = gc.repo_id JOIN namespace gn ON gn.id = g.namespace_id
        WHERE p.id = NEW.subject_id AND p.measured_at IS NULL
          AND concat(fn.name, '/', f.name, ' ', gn.name, '/', g.name) = ANY (${arrayOf(pairs.map((pair) => pair.join(" ")))}))
      THEN NEW.priority := ${priorities.upload};
      ELSE NEW.available_at := now() + interval '1 year';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER hold_check BEFORE INSERT OR UPDATE ON job FOR EACH ROW
    WHEN (NEW.kind IN ('check', 'curve') AND NEW.state = 'queued' AND NEW.priority < ${AWAITED}) EXECUTE FUNCTION hold_check();
  UPDATE job SET available_at = available_at WHERE kind IN ('check', 'curve') AND state = 'queued';`;

const arrayOf = (texts: readonly string[]): string =>
  `ARRAY[${texts.map((text) => pg.escapeLiteral(text)).join(", ")}]::text[]`;

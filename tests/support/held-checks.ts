import pg from "pg";
import { AWAITED, priorities } from "#lib/queue/jobs.ts";
import { inEmbeddedDatabase } from "./embedded-database.ts";

/** A fine-tune and a guide, each like owner/repo. */
export type NamedPair = readonly [finetune: string, guide: string];

/**
 * What a hub with the embedded database measures by itself waits from here on, but the first look at these pairs, which it takes
 * before other work that nobody waits for; no curve is measured. All that the starter collection has to be measured is an hour of two
 * processors, which whatever is tested beside it would lack. What somebody asks for or uploads is measured as ever, or of it so many
 * prompts as `others` says, and then without a sheet.
 *
 * Prompts and noise are those of one secret, so that a verdict is the same in every run. What has begun with others begins anew.
 */
export const measureOnly = (
  folder: string,
  pairs: readonly NamedPair[],
  { others }: { readonly others?: number } = {},
): Promise<void> =>
  inEmbeddedDatabase(folder, async (client) => {
    if (others !== undefined) await client.query(drawingFewer(others));
    await client.query(holding(pairs, others === undefined ? ["check", "curve"] : ["check", "curve", "preview"]));
    await client.query(drawingFrom(SECRET));
  });

const nameOf = (pair: string): string => `(SELECT concat(fn.name, '/', f.name, ' ', gn.name, '/', g.name)
  FROM commit fc JOIN repo f ON f.id = fc.repo_id JOIN namespace fn ON fn.id = f.namespace_id,
    commit gc JOIN repo g ON g.id = gc.repo_id JOIN namespace gn ON gn.id = g.namespace_id
  WHERE fc.id = ${pair}.finetune_commit_id AND gc.id = ${pair}.guide_commit_id)`;

const drawingFewer = (prompts: number): string => `
  CREATE FUNCTION draw_fewer() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.summary := jsonb_set(NEW.summary, '{request,pictures}', '${prompts}');
    RETURN NEW;
  END $$;
  CREATE TRIGGER draw_fewer BEFORE INSERT ON pair FOR EACH ROW EXECUTE FUNCTION draw_fewer();`;

const holding = (pairs: readonly NamedPair[], kinds: readonly string[]): string => `
  CREATE FUNCTION hold_check() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.kind = 'check' AND EXISTS (SELECT FROM pair p WHERE p.id = NEW.subject_id AND p.measured_at IS NULL
        AND ${nameOf("p")} = ANY (${arrayOf(pairs.map(([finetune, guide]) => `${finetune} ${guide}`))}))
      THEN NEW.priority := ${priorities.upload};
      ELSE NEW.available_at := now() + interval '1 year';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER hold_check BEFORE INSERT OR UPDATE ON job FOR EACH ROW
    WHEN (NEW.kind::text = ANY (${arrayOf(kinds)}) AND NEW.state = 'queued' AND NEW.priority < ${AWAITED}) EXECUTE FUNCTION hold_check();
  UPDATE job SET available_at = available_at WHERE kind::text = ANY (${arrayOf(kinds)}) AND state = 'queued';`;

/** One of those by which 48 prompts say of guide-tiny on watercolor that it is usable with limits. */
const SECRET = "00".repeat(32);

const drawingFrom = (secret: string): string => `
  ALTER TABLE measuring_period DISABLE TRIGGER promise_stays;
  UPDATE measuring_period SET secret = '${secret}', commitment = encode(sha256(decode('${secret}', 'hex')), 'hex');
  ALTER TABLE measuring_period ENABLE TRIGGER promise_stays;
  UPDATE job SET state = 'queued', worker_id = NULL, started_at = NULL, available_at = now() WHERE kind = 'check' AND state = 'running';`;

const arrayOf = (texts: readonly string[]): string =>
  `ARRAY[${texts.map((text) => pg.escapeLiteral(text)).join(", ")}]::text[]`;

import pg from "pg";
import { AWAITED, priorities } from "#lib/queue/jobs.ts";
import { inEmbeddedDatabase } from "./embedded-database.ts";

/** A fine-tune and a guide, each like owner/repo, and how many prompts are drawn, where that is less than a look takes. */
export type NamedPair = readonly [finetune: string, guide: string, prompts?: number];

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
    await client.query(drawingFewer(pairs, others));
    await client.query(holding(pairs, others === undefined ? ["check", "curve"] : ["check", "curve", "preview"]));
    await client.query(drawingFrom(SECRET));
  });

const nameOf = (pair: string): string => `(SELECT concat(fn.name, '/', f.name, ' ', gn.name, '/', g.name)
  FROM commit fc JOIN repo f ON f.id = fc.repo_id JOIN namespace fn ON fn.id = f.namespace_id,
    commit gc JOIN repo g ON g.id = gc.repo_id JOIN namespace gn ON gn.id = g.namespace_id
  WHERE fc.id = ${pair}.finetune_commit_id AND gc.id = ${pair}.guide_commit_id)`;

function drawingFewer(pairs: readonly NamedPair[], others?: number): string {
  const named = pairs.map(
    ([finetune, guide, prompts]) => `WHEN ${pg.escapeLiteral(`${finetune} ${guide}`)} THEN ${prompts ?? "NULL"}`,
  );
  return `
  CREATE FUNCTION draw_fewer() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE prompts int := CASE ${nameOf("NEW")} ${named.join(" ") || "WHEN '' THEN NULL"} ELSE ${others ?? "NULL"} END;
  BEGIN
    IF prompts IS NOT NULL THEN NEW.summary := jsonb_set(NEW.summary, '{request,pictures}', to_jsonb(prompts)); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER draw_fewer BEFORE INSERT OR UPDATE ON pair FOR EACH ROW WHEN (NEW.state = 'queued' AND NEW.measured_at IS NULL) EXECUTE FUNCTION draw_fewer();
  UPDATE pair SET attempt = attempt WHERE state = 'queued';`;
}

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

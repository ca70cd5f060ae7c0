import { isOwn, isVisible, seesAll } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/**
 * Who may see what was made of models: who may read everything that was opened to make it. That is every component of the unit, the
 * guide, and the base that judged. Every statement that tells of a pair, a preview or a job asks here, each time anew, so that a repo
 * which becomes private takes along what was made of it. docs/decisions/who-may-see-a-result.md
 *
 * What is known of weights is known of every copy of them: evidence is for whoever may read *some* repo with each of them. What names
 * the very commits, as a picture and its recipe do, is for whoever may read these.
 */

/** Evidence: a row of `pair` that goes by `alias`, for whoever may read its weights somewhere. */
export function mayKnowPair(actor: Actor, alias: string): Prisma.Sql {
  const p = Prisma.raw(alias);
  return Prisma.sql`(NOT EXISTS (SELECT FROM unit_component k WHERE k.unit_id = ${p}.unit_id AND NOT ${holds(actor, "k.weights_sha256")})
    AND ${holds(actor, `${alias}.guide_weights_sha256`)} AND ${mayKnowJudge(actor, alias)})`;
}

/** The work behind it: for whoever may read the very commits that it runs on. */
export function maySeePairWork(actor: Actor, alias: string): Prisma.Sql {
  return Prisma.sql`(${mayReadUnit(actor, `${alias}.unit_id`)} AND ${mayReadCommit(actor, `${alias}.guide_commit_id`)} AND ${mayKnowJudge(actor, alias)})`;
}

/** A row of `preview`: one's own, those that are shown on a model's page and those of sheets. */
export function maySeePreview(actor: Actor, alias: string): Prisma.Sql {
  const v = Prisma.raw(alias);
  const isShown = seesAll(actor)
    ? Prisma.sql`TRUE`
    : Prisma.sql`(${v}.is_attached OR ${v}.sheet_index IS NOT NULL OR ${isOwn(actor, alias)})`;
  return Prisma.sql`(${isShown} AND ${mayReadUnit(actor, `${alias}.unit_id`)}
    AND (${v}.guide_commit_id IS NULL OR ${mayReadCommit(actor, `${alias}.guide_commit_id`)})
    AND (${v}.pair_id IS NULL OR EXISTS (SELECT FROM pair vp WHERE vp.id = ${v}.pair_id AND ${mayKnowJudge(actor, "vp")})))`;
}

/** Whether every component of the unit whose id `unitId` names may be read, at its very commit. */
function mayReadUnit(actor: Actor, unitId: string): Prisma.Sql {
  return Prisma.sql`NOT EXISTS (SELECT FROM unit_component k WHERE k.unit_id = ${Prisma.raw(unitId)} AND NOT ${mayReadCommit(actor, "k.commit_id")})`;
}

/** `commitId` may be null: what is gone nobody may read. */
function mayReadCommit(actor: Actor, commitId: string): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM commit xc JOIN repo x ON x.id = xc.repo_id WHERE xc.id = ${Prisma.raw(commitId)} AND ${isVisible(actor, "x")})`;
}

function holds(actor: Actor, weights: string): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM repo_weights h JOIN repo x ON x.id = h.repo_id WHERE h.weights_sha256 = ${Prisma.raw(weights)} AND ${isVisible(actor, "x")})`;
}

/** A row of `distillation`: whoever may see the guide's repo, and the base unless that is gone. */
export function maySeeDistillation(actor: Actor, alias: string): Prisma.Sql {
  const d = Prisma.raw(alias);
  return Prisma.sql`(EXISTS (SELECT FROM repo dr WHERE dr.id = ${d}.repo_id AND ${isVisible(actor, "dr")})
    AND NOT EXISTS (SELECT FROM commit dc JOIN repo db ON db.id = dc.repo_id WHERE dc.id = ${d}.base_commit_id AND db.visibility = 'private' AND NOT (${isVisible(actor, "db")})))`;
}

/** A base that is gone took no secret with it, unless it was private. */
function mayKnowJudge(actor: Actor, alias: string): Prisma.Sql {
  return Prisma.sql`NOT EXISTS (SELECT FROM commit jc JOIN repo j ON j.id = jc.repo_id
    WHERE jc.id = ${Prisma.raw(alias)}.judge_commit_id AND j.visibility = 'private' AND NOT (${isVisible(actor, "j")}))`;
}

/** Of some commits those that somebody may read. */
export async function readableCommits(
  actor: Actor,
  ids: readonly string[],
  client: Transaction = database(),
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await client.$queryRaw<{ id: string }[]>`
    SELECT c.id FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = ANY (${[...ids]}) AND ${isVisible(actor, "r")}`;
  return new Set(rows.map(({ id }) => id));
}

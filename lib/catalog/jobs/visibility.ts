import { isOwn, isVisible, isWritable } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { maySeeDistillation, maySeePairWork, maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { JobKind } from "#lib/queue/jobs.ts";

/**
 * What a job is about, as somebody may see it, by kind: rows (repo, guide, path, "mayChange", pair) of the subject of a row of `job` that goes by
 * `j`, none for whom may not see it. A job is seen by who may see its subject, and by nobody else. It is decided here only, and asked
 * each time something is told of a job, so that who loses access loses the job, its name and its events too.
 */
export const subjectsSeenBy = (actor: Actor): Readonly<Record<JobKind, Prisma.Sql>> => ({
  // An upload is one person's until it is part of a commit.
  hash: Prisma.sql`
      SELECT ${nameOf("r")} AS repo, NULL AS guide, u.path, TRUE AS "mayChange", NULL::uuid AS pair FROM upload u JOIN repo r ON r.id = u.repo_id
      WHERE u.id = j.subject_id AND ${isOwn(actor, "u")} AND ${isVisible(actor, "r")}`,
  inspect: Prisma.sql`
      SELECT ${nameOf("r")}, NULL, NULL, ${isWritable(actor, "r")}, NULL::uuid FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id
      WHERE i.id = j.subject_id AND ${isVisible(actor, "r")}`,
  check: ofPair(actor, Prisma.sql`pair p`, Prisma.sql`p.id`),
  curve: ofStudy(actor),
  envelope: ofStudy(actor),
  distill: Prisma.sql`
      SELECT CASE WHEN ${isVisible(actor, "b")} THEN ${nameOf("b")} ELSE ${nameOf("r")} END, ${nameOf("r")}, NULL, ${isWritable(actor, "r")}, NULL::uuid
      FROM distillation d JOIN repo r ON r.id = d.repo_id LEFT JOIN commit bc ON bc.id = d.base_commit_id LEFT JOIN repo b ON b.id = bc.repo_id
      WHERE d.id = j.subject_id AND ${maySeeDistillation(actor, "d")}`,
  preview: Prisma.sql`
      SELECT ${nameOf("f")}, ${nameOf("g")}, NULL, TRUE, v.pair_id
      FROM preview v JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
        LEFT JOIN commit gc ON gc.id = v.guide_commit_id LEFT JOIN repo g ON g.id = gc.repo_id
      WHERE v.id = j.subject_id AND ${isOwn(actor, "v")} AND ${maySeePreview(actor, "v")}`,
});

/** Of a measurement of a pair `p`: its own, or one that goes by it. */
const ofPair = (actor: Actor, from: Prisma.Sql, id: Prisma.Sql): Prisma.Sql => Prisma.sql`
      SELECT ${nameOf("f")}, ${nameOf("g")}, NULL, ${isOwn(actor, "j")} OR (${isWritable(actor, "f")}) OR (${isWritable(actor, "g")}), p.id
      FROM ${from} JOIN commit fc ON fc.id = p.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
        JOIN commit gc ON gc.id = p.guide_commit_id JOIN repo g ON g.id = gc.repo_id
      WHERE ${id} = j.subject_id AND ${maySeePairWork(actor, "p")}`;

const ofStudy = (actor: Actor): Prisma.Sql =>
  ofPair(actor, Prisma.sql`study s JOIN pair p ON p.id = s.pair_id AND s.kind = j.kind`, Prisma.sql`s.id`);

/** The name of the repo that goes by an alias. */
const nameOf = (alias: string): Prisma.Sql =>
  Prisma.raw(`(SELECT n.name FROM namespace n WHERE n.id = ${alias}.namespace_id) || '/' || ${alias}.name`);

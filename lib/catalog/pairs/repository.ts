import { randomUUID } from "node:crypto";
import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { keyOf } from "#lib/catalog/trees/key.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma, type RepoKind, type Verdict } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { can, type Capability, kindsThat } from "#lib/catalog/kinds.ts";
import { insertUnit } from "#lib/catalog/units/repository.ts";
import type { Unit } from "#lib/catalog/units/unit.ts";
import { mayKnowPair, maySeePairWork } from "#lib/catalog/units/who-may-see.ts";
import type { Judges } from "#lib/pairing/protocol.ts";
import { EVALUATOR, measuringRuntime, PROMPTS, storedSummary, type StoredSummary } from "./schema.ts";
import { verdictInDatabase, verdictOf } from "#lib/catalog/verdict.ts";

/** A pair by what is measured of both, as one protocol measures it here. */
export interface PairKey {
  readonly unitHash: string;
  readonly guideWeightsSha256: string;
  readonly protocol: string;
}

export interface PairRow extends PairKey {
  readonly id: string;
  readonly runtime: string;
  readonly unitId: string;
  readonly finetuneCommitId: string | null;
  readonly guideCommitId: string | null;
  readonly judgeCommitId: string | null;
  readonly state: JobState;
  readonly attempt: number;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly summary: StoredSummary;
  readonly problem: string | null;
  readonly measuredAt: Date | null;
  readonly createdAt: Date;
}

const columns = {
  id: true,
  unitHash: true,
  guideWeightsSha256: true,
  protocol: true,
  runtime: true,
  unitId: true,
  finetuneCommitId: true,
  guideCommitId: true,
  judgeCommitId: true,
  state: true,
  attempt: true,
  verdict: true,
  reasons: true,
  summary: true,
  problem: true,
  measuredAt: true,
  createdAt: true,
} as const satisfies Prisma.PairSelect;

const toRow = (row: Prisma.PairGetPayload<{ select: typeof columns }>): PairRow => ({
  ...row,
  summary: storedSummary.parse(row.summary),
});

export async function pairById(id: string, client: Transaction = database()): Promise<PairRow | null> {
  const row = await client.pair.findUnique({ where: { id }, select: columns });
  return row && toRow(row);
}

/** Whole rows of some ids, newest first. Why one failed is told in the words of the repos that it ran on, to whoever may read those. */
async function pairsOf(actor: Actor, ids: readonly string[]): Promise<PairRow[]> {
  const rows = await database().pair.findMany({
    where: { id: { in: [...ids] } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: columns,
  });
  const failed = rows.flatMap(({ id, problem }) => (problem === null ? [] : [id]));
  const told =
    failed.length === 0
      ? []
      : await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE p.id = ANY (${failed}::uuid[]) AND ${maySeePairWork(actor, "p")}`;
  const mayTell = new Set(told.map(({ id }) => id));
  return rows.map((row) =>
    toRow(row.problem === null || mayTell.has(row.id) ? row : { ...row, problem: FAILED_ELSEWHERE }),
  );
}

const FAILED_ELSEWHERE = "It failed on a copy of these files that you may not see; ask for the measurement again.";

/** Of some ids the pairs that somebody may know. */
export async function knownPairs(actor: Actor, ids: readonly string[]): Promise<PairRow[]> {
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE p.id = ANY (${[...ids]}::uuid[]) AND ${mayKnowPair(actor, "p")}`;
  return pairsOf(
    actor,
    rows.map(({ id }) => id),
  );
}

/** The one measurement that there is of a unit and a guide by a protocol. */
export async function pairOfKey(
  client: Transaction,
  { unitHash, guideWeightsSha256, protocol }: PairKey,
): Promise<PairRow | null> {
  const row = await client.pair.findFirst({
    where: { unitHash, guideWeightsSha256, protocol, runtime: measuringRuntime() },
    select: columns,
  });
  return row && toRow(row);
}

export interface PairSelection {
  /** Only pairs whose unit goes by this repo. */
  readonly finetuneRepoId?: string | undefined;
  readonly guideRepoId?: string | undefined;
  readonly verdict?: Verdict | undefined;
  /** Only what comes after this place, newest first. */
  readonly after: readonly [createdAt: Date, id: string] | null;
}

/** Those that somebody may know, newest first. */
export async function selectPairs(
  actor: Actor,
  { finetuneRepoId, guideRepoId, verdict, after }: PairSelection,
  count: number,
): Promise<PairRow[]> {
  const conditions = [
    Prisma.sql`p.runtime = ${measuringRuntime()}`,
    mayKnowPair(actor, "p"),
    ...(finetuneRepoId === undefined
      ? []
      : [
          Prisma.sql`p.unit_id IN (
            SELECT k.unit_id FROM repo_weights h JOIN unit_component k ON k.weights_sha256 = h.weights_sha256
            WHERE h.repo_id = ${finetuneRepoId}::uuid AND NOT EXISTS (SELECT FROM unit_component l WHERE l.unit_id = k.unit_id AND l.position > k.position))`,
        ]),
    ...(guideRepoId === undefined
      ? []
      : [
          Prisma.sql`p.guide_weights_sha256 IN (SELECT weights_sha256 FROM repo_weights WHERE repo_id = ${guideRepoId}::uuid)`,
        ]),
    ...(verdict === undefined ? [] : [Prisma.sql`p.verdict = ${verdictInDatabase(verdict)}::verdict`]),
    ...(after === null ? [] : [Prisma.sql`(p.created_at, p.id) < (${after[0]}, ${after[1]}::uuid)`]),
  ];
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE ${Prisma.join(conditions, " AND ")} ORDER BY p.created_at DESC, p.id DESC LIMIT ${count}`;
  return pairsOf(
    actor,
    rows.map(({ id }) => id),
  );
}

/** All that somebody may know of what was measured under some keys of one side. */
export async function pairsUnder(actor: Actor, side: "unit" | "guide", keys: readonly string[]): Promise<PairRow[]> {
  const column = Prisma.raw(side === "unit" ? "p.unit_hash" : "p.guide_weights_sha256");
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE ${column} = ANY (${[...keys]}) AND p.runtime = ${measuringRuntime()} AND ${mayKnowPair(actor, "p")}`;
  return pairsOf(
    actor,
    rows.map(({ id }) => id),
  );
}

export interface NewPair extends Pick<PairKey, "guideWeightsSha256" | "protocol"> {
  readonly unit: Unit;
  readonly finetuneCommitId: string;
  readonly guideCommitId: string;
  readonly judgeCommitId: string | null;
  readonly summary: StoredSummary;
}

/** @returns its id; null where these weights have such a row already */
export async function insertPair(transaction: Transaction, { unit, ...pair }: NewPair): Promise<string | null> {
  const id = randomUUID();
  await insertUnit(transaction, unit);
  const { count } = await transaction.pair.createMany({
    data: { ...pair, id, unitHash: unit.hash, unitId: unit.id, runtime: measuringRuntime() },
    skipDuplicates: true,
  });
  return count === 1 ? id : null;
}

export async function deletePair(transaction: Transaction, id: string): Promise<void> {
  await transaction.pair.delete({ where: { id }, select: { id: true } });
}

/** A pair that ended without a result is to be measured at the commits that ask. */
export async function moveTo(
  transaction: Transaction,
  id: string,
  { unit, finetuneCommitId, guideCommitId, judgeCommitId, summary }: NewPair,
): Promise<void> {
  await insertUnit(transaction, unit);
  await transaction.pair.update({
    where: { id },
    data: { unitId: unit.id, finetuneCommitId, guideCommitId, judgeCommitId, summary },
    select: { id: true },
  });
}

export interface Level {
  readonly level: 0 | 1 | 2 | 4 | 5;
  readonly n: number;
  readonly raw: Prisma.InputJsonValue;
  readonly milliseconds: number;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly summary: StoredSummary;
  readonly levels: readonly Level[];
  readonly machine: string;
}

/** Written by who holds the attempt. A look has all that those before it had, whose values go. */
export async function writeOutcome(
  transaction: Transaction,
  id: string,
  attempt: number,
  { levels, machine, reasons, ...outcome }: Outcome,
): Promise<void> {
  await transaction.pair.update({
    where: { id },
    data: { ...outcome, reasons: [...reasons], measuredAt: new Date() },
    select: { id: true },
  });
  await transaction.measurement.deleteMany({ where: { pairId: id } });
  await transaction.measurement.createMany({
    data: levels.map((level) => ({ ...level, id: randomUUID(), pairId: id, attempt, machine })),
  });
}

/** Of the last look. */
export function measurementsOf(pairId: string, withRaw: boolean, client: Transaction = database()) {
  return client.measurement.findMany({
    where: { pairId },
    distinct: ["level"],
    orderBy: [{ level: "asc" }, { attempt: "desc" }],
    select: { level: true, n: true, machine: true, milliseconds: true, raw: withRaw },
  });
}

/** The newest commit of a repo's default branch, as inspected, with what decides which others it may pair with. */
export interface Model {
  readonly repoId: string;
  readonly kind: RepoKind;
  readonly commitId: string;
  readonly contract: string;
  readonly weightsSha256: string;
  /** The base that it was made from, as detected, else as declared; a base is its own. */
  readonly baseRepoId: string | null;
  readonly parameters: number | null;
}

/** Of a row `m` of repos that has been inspected and runs; its inspection is `i`. */
const modelColumns = Prisma.sql`m.id AS "repoId", m.kind, m.head_commit_id AS "commitId", m.contract, m.weights_sha256 AS "weightsSha256", m.family_id AS "baseRepoId", (i.facts->>'parameters')::float8 AS parameters`;
const isModel = Prisma.sql`m.deleted_at IS NULL AND m.contract IS NOT NULL AND m.weights_sha256 IS NOT NULL`;

/** Null where the newest commit is not what was inspected, has not been, or does not run. */
export async function modelOfInspection(client: Transaction, inspectionId: string): Promise<Model | null> {
  const [model] = await client.$queryRaw<Model[]>`
    SELECT ${modelColumns} FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo m ON m.id = c.repo_id AND m.head_inspection_id = i.id
    WHERE i.id = ${inspectionId}::uuid AND ${isModel}`;
  return model ?? null;
}

export async function modelOfRepo(repoId: string, client: Transaction = database()): Promise<Model | null> {
  const [model] = await client.$queryRaw<
    Model[]
  >`SELECT ${modelColumns} FROM repo m JOIN inspection i ON i.id = m.head_inspection_id WHERE m.id = ${repoId}::uuid AND ${isModel}`;
  return model ?? null;
}

interface Family {
  readonly contract: string;
  readonly baseRepoId: string | null;
}

/**
 * As rows `m` of repos the first of a family that can do something: the base before the rest, then the most used. By kind, for in each
 * of them an index has that order; so it costs the same in a family of ten and of ten thousand.
 */
function firstOfFamily(
  { contract, baseRepoId }: Family,
  what: Capability,
  limit: number,
  condition = Prisma.sql`TRUE`,
): Prisma.Sql {
  const count = Prisma.raw(String(limit));
  const parts = kindsThat(what).map(
    (
      kind,
    ) => Prisma.sql`(SELECT m.* FROM repo m WHERE m.deleted_at IS NULL AND m.family_id = ${baseRepoId}::uuid AND m.contract = ${contract} AND m.kind = ${Prisma.raw(`'${kind}'`)} AND ${condition}
      ORDER BY m.downloads DESC, m.id DESC LIMIT ${count})`,
  );
  return Prisma.sql`(SELECT * FROM (${Prisma.join(parts, " UNION ALL ")}) m ORDER BY ${canInSql("m", "isBase")} DESC, m.downloads DESC, m.id DESC LIMIT ${count})`;
}

/** What may pair with this one by contract and base: guides for a model, models for a guide. The base comes first, then the most used. */
export function partnersOf(model: Model, limit: number): Promise<Model[]> {
  const others = firstOfFamily(
    model,
    can(model, "guides") ? "draws" : "guides",
    limit,
    Prisma.sql`m.id <> ${model.repoId}::uuid`,
  );
  return database().$queryRaw<Model[]>`
    SELECT ${modelColumns} FROM ${others} m JOIN inspection i ON i.id = m.head_inspection_id
    ORDER BY ${canInSql("m", "isBase")} DESC, m.downloads DESC, m.id DESC`;
}

/** Two that should be measured together. */
export interface Due {
  readonly finetune: Model;
  readonly guide: Model;
}

export interface Relative extends Model {
  readonly repo: string;
  readonly downloads: number;
  /** How many there are of its sort, the guides or the models. */
  readonly total: number;
}

/** Where a list of models goes on: behind the base (1) or a fine-tune (0) of so many downloads. */
export type FamilyPlace = readonly [isBase: number, downloads: number, repoId: string];

/** How many of a family are counted at most. */
export const MAX_FAMILY = 1000;

/** The guides of a base, and what they may pair with, as far as `visible`, a condition on `m`, lets them through: the base first, then the most used. */
export async function familyOf(
  { contract, repoId }: Model,
  visible: Prisma.Sql,
  guides: number,
  after: FamilyPlace | null,
  models: number,
): Promise<Relative[]> {
  const family = { contract, baseRepoId: repoId };
  const isBehind =
    after === null
      ? Prisma.sql`TRUE`
      : Prisma.sql`((${canInSql("m", "isBase")})::int, m.downloads, m.id) < (${after[0]}::int, ${after[1]}::int, ${after[2]}::uuid)`;
  const of = (what: "guides" | "draws", limit: number, condition: Prisma.Sql): Prisma.Sql => Prisma.sql`
    (SELECT ${modelColumns}, m.downloads, n.name || '/' || m.name AS repo,
      (SELECT count(*)::int FROM ${firstOfFamily(family, what, MAX_FAMILY, visible)} m) AS total
    FROM ${firstOfFamily(family, what, limit, condition)} m JOIN namespace n ON n.id = m.namespace_id JOIN inspection i ON i.id = m.head_inspection_id
    ORDER BY ${canInSql("m", "isBase")} DESC, m.downloads DESC, m.id DESC)`;
  return database().$queryRaw<
    Relative[]
  >`${of("guides", guides, visible)} UNION ALL ${of("draws", models, Prisma.sql`${visible} AND ${isBehind}`)}`;
}

/** What is told of a pair in a table, and of which weights of which two repos. */
export interface FamilyPair extends Pick<
  PairRow,
  | "id"
  | "state"
  | "verdict"
  | "problem"
  | "protocol"
  | "summary"
  | "judgeCommitId"
  | "measuredAt"
  | "unitHash"
  | "guideWeightsSha256"
> {
  readonly finetuneRepoId: string;
  readonly guideRepoId: string;
  readonly recovered: {
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly n: number;
  } | null;
  readonly n: number | null;
}

/** All that was measured between some models and some guides, with any weights that they ever had, as far as somebody may know it; newest first. */
export async function pairsAmong(
  actor: Actor,
  finetunes: readonly string[],
  guides: readonly string[],
): Promise<FamilyPair[]> {
  const rows = await database().$queryRaw<
    (Omit<FamilyPair, "summary" | "verdict"> & {
      verdict: string;
      pictures: number | null;
    })[]
  >`
    WITH weight AS MATERIALIZED (
      SELECT DISTINCT repo_id, measured_as AS weights FROM repo_weights WHERE repo_id = ANY (${[...finetunes, ...guides]}::uuid[]))
    SELECT f.repo_id AS "finetuneRepoId", g.repo_id AS "guideRepoId", p.id, p.unit_hash AS "unitHash", p.guide_weights_sha256 AS "guideWeightsSha256",
      p.state, p.verdict::text AS verdict, CASE WHEN p.problem IS NULL OR ${maySeePairWork(actor, "p")} THEN p.problem ELSE ${FAILED_ELSEWHERE} END AS problem, p.protocol,
      p.measured_at AS "measuredAt", (p.summary #>> '{request,pictures}')::int AS pictures, p.judge_commit_id AS "judgeCommitId",
      nullif(p.summary #> '{measured,fidelity,recovered}', 'null') AS recovered, coalesce(p.summary #>> '{measured,fidelity,cfg,n}', p.summary #>> '{measured,agreement,fvu,n}')::int AS n
    FROM weight f JOIN pair p ON p.unit_hash = f.weights JOIN weight g ON g.weights = p.guide_weights_sha256
    WHERE f.repo_id = ANY (${[...finetunes]}::uuid[]) AND g.repo_id = ANY (${[...guides]}::uuid[]) AND p.runtime = ${measuringRuntime()} AND ${mayKnowPair(actor, "p")}
    ORDER BY p.created_at DESC, p.id DESC`;
  return rows.map(({ pictures, ...row }) => ({
    ...row,
    verdict: verdictOf(row.verdict),
    summary: storedSummary.parse(pictures === null ? {} : { request: { pictures } }),
  }));
}

/** Of a family so many of each side are measured by themselves, the most used; what is beyond can be asked for. */
const MEASURED_BY_THEMSELVES = 500;
const OF_A_WHOLE_FAMILY = 50;

/**
 * The pairs of one model that `protocol` has not measured, the one with the guide's own base first; of a base, those of what was made
 * from it. Two private repos of different namespaces stay apart: nobody could see what came of it.
 */
export async function duePairs(
  transaction: Transaction,
  model: Model,
  inspectionId: string,
  protocol: string,
  limit: number,
): Promise<Due[]> {
  const side = (what: "draws" | "guides"): Prisma.Sql =>
    can(model, "isBase")
      ? firstOfFamily(model, what, OF_A_WHOLE_FAMILY)
      : can(model, what)
        ? Prisma.sql`(SELECT * FROM repo m WHERE m.id = ${model.repoId}::uuid AND ${isModel})`
        : firstOfFamily(model, what, MEASURED_BY_THEMSELVES);
  const asJson = (of: string): Prisma.Sql =>
    Prisma.sql`(SELECT row_to_json(one) FROM (SELECT ${modelColumns} FROM (SELECT (due.${Prisma.raw(of)}).*) m JOIN inspection i ON i.id = m.head_inspection_id) one)`;
  return transaction.$queryRaw<Due[]>`
    SELECT ${asJson("f")} AS finetune, ${asJson("g")} AS guide FROM (
      SELECT f, g FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id
      CROSS JOIN ${side("draws")} f CROSS JOIN ${side("guides")} g JOIN repo b ON b.id = f.family_id
      WHERE i.id = ${inspectionId}::uuid AND ${mayBeOpened("f")} AND ${mayBeOpened("g")} AND ${mayBeOpened("b")}
        AND f.family_id = g.family_id AND (f.visibility = 'public' OR g.visibility = 'public' OR f.namespace_id = g.namespace_id)
        AND NOT EXISTS (SELECT FROM pair p WHERE p.unit_hash = f.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256 AND p.protocol = ${protocol} AND p.runtime = ${measuringRuntime()})
      ORDER BY ${canInSql("f", "isBase")} DESC, f.downloads + g.downloads DESC, f.id, g.id LIMIT ${limit}) due`;
}

/** Whether `alias` is for everybody, or for whom the commit `c` of the repo `r` is: nothing is begun on what its author may not read. */
function mayBeOpened(alias: string): Prisma.Sql {
  const x = Prisma.raw(alias);
  return Prisma.sql`(${x}.visibility = 'public' OR ${x}.namespace_id = r.namespace_id OR ${x}.namespace_id IN (
    SELECT id FROM namespace WHERE user_id = c.author_id UNION ALL SELECT namespace_id FROM member WHERE user_id = c.author_id))`;
}

/** What a base brings to read pictures with, and the commit that has it: its newest one that runs. Nulls where there is none. */
export async function judgesOf(
  baseRepoId: string | null,
  client: Transaction = database(),
): Promise<Judges & { readonly commitId: string | null }> {
  const rows =
    baseRepoId === null
      ? []
      : await client.$queryRaw<{ commitId: string; path: string | null; sha256: string | null }[]>`
    WITH newest AS (
      SELECT c.id, c.repo_id, c.tree_id FROM repo r JOIN commit c ON c.repo_id = r.id JOIN inspection i ON i.commit_id = c.id AND i.contract IS NOT NULL
      LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.commit_id = c.id
      WHERE r.id = ${baseRepoId}::uuid AND r.deleted_at IS NULL ORDER BY f.name IS NOT NULL DESC, c.sequence DESC LIMIT 1)
    SELECT newest.id AS "commitId", f.path, f.blob_sha256 AS sha256
    FROM newest CROSS JOIN unnest(${[EVALUATOR, PROMPTS].map(keyOf)}::text[]) key
    LEFT JOIN LATERAL file_at(newest.repo_id, newest.tree_id, key) f ON f.path IN (${EVALUATOR}, ${PROMPTS})`;
  const of = (path: string): string | null => rows.find((row) => row.path === path)?.sha256 ?? null;
  const evaluatorSha256 = of(EVALUATOR);
  return { commitId: rows[0]?.commitId ?? null, evaluatorSha256, promptsSha256: evaluatorSha256 && of(PROMPTS) };
}

/** The weights of each repo's newest commit; while that waits to be read, those of the last one that was. Null where it has none that run. */
export async function currentWeights(repoIds: readonly string[]): Promise<Map<string, string | null>> {
  const rows = await database().$queryRaw<{ id: string; weights: string | null }[]>`
    SELECT r.id, CASE WHEN head.state IN ('succeeded', 'failed') THEN head.weights_sha256 ELSE (
      SELECT i.weights_sha256 FROM commit c JOIN inspection i ON i.commit_id = c.id WHERE c.repo_id = r.id AND i.weights_sha256 IS NOT NULL ORDER BY c.sequence DESC LIMIT 1) END AS weights
    FROM repo r LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
    LEFT JOIN LATERAL (SELECT state, weights_sha256 FROM inspection WHERE commit_id = f.commit_id ORDER BY created_at DESC LIMIT 1) head ON true
    WHERE r.id = ANY (${[...new Set(repoIds)]}::uuid[])`;
  return new Map(rows.map(({ id, weights }) => [id, weights]));
}

/** Under which keys what was measured of a repo is found: all that it ever was. */
export async function keysOfRepo(repoId: string): Promise<string[]> {
  const rows = await database().repoWeights.findMany({ where: { repoId }, select: { measuredAs: true } });
  return [...new Set(rows.map(({ measuredAs }) => measuredAs))];
}

/** A repo in which something is, or was, that was measured. */
export interface Side {
  readonly repoId: string;
  readonly repo: string;
  /** Its newest commit with that. */
  readonly commit: string;
  readonly key: string;
}

/** Every repo that somebody may see with any of what was measured under these keys. */
export function sidesWith(actor: Actor, keys: readonly string[]): Promise<Side[]> {
  return database().$queryRaw<Side[]>`
    SELECT DISTINCT h.repo_id AS "repoId", n.name || '/' || r.name AS repo, c.id AS commit, h.measured_as AS key
    FROM repo_weights h JOIN repo r ON r.id = h.repo_id JOIN namespace n ON n.id = r.namespace_id
    JOIN LATERAL (
      SELECT c.id FROM commit c JOIN inspection i ON i.commit_id = c.id WHERE c.repo_id = h.repo_id AND i.weights_sha256 = h.measured_as
      ORDER BY c.sequence DESC LIMIT 1) c ON true
    WHERE h.measured_as = ANY (${[...new Set(keys)]}) AND ${isVisible(actor, "r")}`;
}

/** «owner/repo» by id, of those that somebody may see. */
export async function visibleRepos(actor: Actor, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await database().$queryRaw<{ id: string; repo: string }[]>`
    SELECT r.id, n.name || '/' || r.name AS repo FROM repo r JOIN namespace n ON n.id = r.namespace_id WHERE r.id = ANY (${[...ids]}::uuid[]) AND ${isVisible(actor, "r")}`;
  return new Map(rows.map(({ id, repo }) => [id, repo]));
}

/** The repos of some commits, by commit, where they are still there. */
export async function commitRepos(ids: readonly string[]): Promise<Map<string, { repoId: string; name: string }>> {
  const rows = await database().commit.findMany({
    where: { id: { in: [...ids] }, repo: { deletedAt: null } },
    select: { id: true, repo: { select: { id: true, name: true } } },
  });
  return new Map(rows.map(({ id, repo }) => [id, { repoId: repo.id, name: repo.name }]));
}

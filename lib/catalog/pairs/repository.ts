import { randomUUID } from "node:crypto";
import { keyOf } from "#lib/catalog/trees/key.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma, type RepoKind, type Verdict } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { Judges } from "#lib/pairing/protocol.ts";
import { EVALUATOR, measuringRuntime, PROMPTS, storedSummary, type StoredSummary } from "./schema.ts";
import { verdictOf } from "./verdict.ts";

/** A pair by the weights of both, as one protocol measures it here. */
export interface PairKey {
  readonly finetuneWeightsSha256: string;
  readonly guideWeightsSha256: string;
  readonly protocol: string;
}

export interface PairRow extends PairKey {
  readonly id: string;
  readonly runtime: string;
  readonly finetuneCommitId: string | null;
  readonly guideCommitId: string | null;
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
  finetuneWeightsSha256: true,
  guideWeightsSha256: true,
  protocol: true,
  runtime: true,
  finetuneCommitId: true,
  guideCommitId: true,
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

export async function pairsWhere(
  where: Prisma.PairWhereInput,
  limit: number,
  client: Transaction = database(),
): Promise<PairRow[]> {
  return (
    await client.pair.findMany({
      where: { AND: [where, { runtime: measuringRuntime() }] },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
      select: columns,
    })
  ).map(toRow);
}

export interface NewPair extends PairKey {
  readonly finetuneCommitId: string;
  readonly guideCommitId: string;
  readonly summary: StoredSummary;
}

/** @returns its id; null where these weights have such a row already */
export async function insertPair(transaction: Transaction, pair: NewPair): Promise<string | null> {
  const id = randomUUID();
  const { count } = await transaction.pair.createMany({
    data: { ...pair, id, runtime: measuringRuntime() },
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
  { finetuneCommitId, guideCommitId, summary }: NewPair,
): Promise<void> {
  await transaction.pair.update({
    where: { id },
    data: { finetuneCommitId, guideCommitId, summary },
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

/** Written by who holds the attempt. */
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
  await transaction.measurement.createMany({
    data: levels.map((level) => ({ ...level, id: randomUUID(), pairId: id, attempt, machine })),
  });
}

/** Of the attempt that succeeded. */
export function measurementsOf(pairId: string, attempt: number, withRaw: boolean) {
  return database().measurement.findMany({
    where: { pairId, attempt },
    orderBy: { level: "asc" },
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

/** As rows (repo_id, kind, commit_id, inspection_id, …) of all live repos with one contract. Through the index on contracts, so that a hub of many repos stays quick. */
const modelsWith = (contract: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  SELECT r.id AS repo_id, r.kind, r.visibility, r.namespace_id, r.downloads, c.id AS commit_id, i.id AS inspection_id, i.contract, i.weights_sha256,
    CASE r.kind WHEN 'base' THEN r.id ELSE coalesce(b.repo_id, r.base_id) END AS base_repo_id, (i.facts->>'parameters')::float8 AS parameters
  FROM inspection i
  JOIN commit c ON c.id = i.commit_id
  JOIN repo r ON r.id = c.repo_id AND r.deleted_at IS NULL
  JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch' AND f.commit_id = c.id
  LEFT JOIN commit b ON b.id = i.base_commit_id
  WHERE i.contract = ${contract} AND i.state = 'succeeded' AND i.weights_sha256 IS NOT NULL)`;

const columnsOf = (of: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`${of}.repo_id AS "repoId", ${of}.kind, ${of}.commit_id AS "commitId", ${of}.contract, ${of}.weights_sha256 AS "weightsSha256", ${of}.base_repo_id AS "baseRepoId", ${of}.parameters`;
const [m, f, g] = [Prisma.sql`m`, Prisma.sql`f`, Prisma.sql`g`] as const;

/** Null where the newest commit is not what was inspected, has not been, or does not run. */
export async function modelOfInspection(client: Transaction, inspectionId: string): Promise<Model | null> {
  const contract = Prisma.sql`(SELECT contract FROM inspection WHERE id = ${inspectionId}::uuid)`;
  const [model] = await client.$queryRaw<
    Model[]
  >`SELECT ${columnsOf(m)} FROM ${modelsWith(contract)} m WHERE m.inspection_id = ${inspectionId}::uuid`;
  return model ?? null;
}

export async function modelOfRepo(repoId: string, client: Transaction = database()): Promise<Model | null> {
  const contract = Prisma.sql`(SELECT contract FROM repo_head WHERE repo_id = ${repoId}::uuid)`;
  const [model] = await client.$queryRaw<
    Model[]
  >`SELECT ${columnsOf(m)} FROM ${modelsWith(contract)} m WHERE m.repo_id = ${repoId}::uuid LIMIT 1`;
  return model ?? null;
}

/** What may pair with this one by contract and base: guides for a model, models for a guide. The base comes first, then the most used. */
export function partnersOf({ repoId, kind, contract, baseRepoId }: Model, limit: number): Promise<Model[]> {
  return database().$queryRaw<Model[]>`
    SELECT ${columnsOf(m)} FROM ${modelsWith(Prisma.sql`${contract}`)} m
    WHERE (m.kind = 'guide') <> ${kind === "guide"} AND m.base_repo_id = ${baseRepoId}::uuid AND m.repo_id <> ${repoId}::uuid
    ORDER BY m.kind = 'base' DESC, m.downloads DESC, m.repo_id LIMIT ${limit}`;
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

/** The guides of a base, and what they may pair with, as far as `visible`, a condition on `r`, lets them through: the base first, then the most used. */
export async function familyOf(
  { contract, repoId }: Model,
  visible: Prisma.Sql,
  guides: number,
  after: FamilyPlace | null,
  models: number,
): Promise<Relative[]> {
  const isBehind =
    after === null
      ? Prisma.sql`true`
      : Prisma.sql`((kind = 'base')::int, downloads, "repoId") < (${after[0]}::int, ${after[1]}::int, ${after[2]}::uuid)`;
  return database().$queryRaw<Relative[]>`
    WITH family AS MATERIALIZED (
      SELECT DISTINCT ON (m.repo_id) ${columnsOf(m)}, m.downloads, n.name || '/' || r.name AS repo
      FROM ${modelsWith(Prisma.sql`${contract}`)} m JOIN repo r ON r.id = m.repo_id JOIN namespace n ON n.id = r.namespace_id
      WHERE m.base_repo_id = ${repoId}::uuid AND ${visible} ORDER BY m.repo_id, m.inspection_id DESC
    ), counted AS (SELECT *, (count(*) OVER (PARTITION BY kind = 'guide'))::int AS total FROM family)
    (SELECT * FROM counted WHERE kind = 'guide' ORDER BY downloads DESC, "repoId" LIMIT ${guides})
    UNION ALL (SELECT * FROM counted WHERE kind <> 'guide' AND ${isBehind} ORDER BY kind = 'base' DESC, downloads DESC, "repoId" DESC LIMIT ${models})`;
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
  | "measuredAt"
  | "finetuneWeightsSha256"
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

/** All that was measured between some models and some guides, with any weights that they ever had, newest first. */
export async function pairsAmong(finetunes: readonly string[], guides: readonly string[]): Promise<FamilyPair[]> {
  const rows = await database().$queryRaw<
    (Omit<FamilyPair, "summary" | "verdict"> & {
      verdict: string;
      pictures: number | null;
      baseCommitId: string | null;
    })[]
  >`
    WITH weight AS (
      SELECT DISTINCT c.repo_id, i.weights_sha256 AS weights FROM commit c JOIN inspection i ON i.commit_id = c.id
      WHERE c.repo_id = ANY (${[...finetunes, ...guides]}::uuid[]) AND i.weights_sha256 IS NOT NULL)
    SELECT f.repo_id AS "finetuneRepoId", g.repo_id AS "guideRepoId", p.id, p.finetune_weights_sha256 AS "finetuneWeightsSha256", p.guide_weights_sha256 AS "guideWeightsSha256",
      p.state, p.verdict::text AS verdict, p.problem, p.protocol,
      p.measured_at AS "measuredAt", (p.summary #>> '{request,pictures}')::int AS pictures, p.summary #>> '{request,baseCommitId}' AS "baseCommitId",
      nullif(p.summary #> '{measured,fidelity,recovered}', 'null') AS recovered, coalesce(p.summary #>> '{measured,fidelity,cfg,n}', p.summary #>> '{measured,agreement,fvu,n}')::int AS n
    FROM weight f JOIN pair p ON p.finetune_weights_sha256 = f.weights JOIN weight g ON g.weights = p.guide_weights_sha256
    WHERE f.repo_id = ANY (${[...finetunes]}::uuid[]) AND g.repo_id = ANY (${[...guides]}::uuid[]) AND p.runtime = ${measuringRuntime()}
    ORDER BY p.created_at DESC, p.id DESC`;
  return rows.map(({ pictures, baseCommitId, ...row }) => ({
    ...row,
    verdict: verdictOf(row.verdict),
    summary: storedSummary.parse(pictures === null ? {} : { request: { pictures, baseCommitId } }),
  }));
}

/**
 * The pairs of one model that `protocol` has not measured, the one with the guide's own base first; of a base, those of all that was
 * made from it. Two private repos of different namespaces stay apart: nobody could see what came of it.
 */
export async function duePairs(
  transaction: Transaction,
  { repoId, kind, contract, baseRepoId }: Model,
  protocol: string,
  limit: number,
): Promise<Due[]> {
  const models = modelsWith(Prisma.sql`${contract}`);
  const rows = await transaction.$queryRaw<{ finetune: Model; guide: Model }[]>`
    WITH models AS MATERIALIZED ${models}
    SELECT (SELECT row_to_json(one) FROM (SELECT ${columnsOf(f)}) one) AS finetune, (SELECT row_to_json(one) FROM (SELECT ${columnsOf(g)}) one) AS guide
    FROM models f JOIN models g ON f.kind <> 'guide' AND g.kind = 'guide' AND f.base_repo_id = g.base_repo_id
    WHERE f.base_repo_id = ${baseRepoId}::uuid AND (${kind === "base"} OR ${repoId}::uuid IN (f.repo_id, g.repo_id))
      AND (f.visibility = 'public' OR g.visibility = 'public' OR f.namespace_id = g.namespace_id)
      AND NOT EXISTS (SELECT FROM pair p WHERE p.finetune_weights_sha256 = f.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256 AND p.protocol = ${protocol} AND p.runtime = ${measuringRuntime()})
    ORDER BY f.kind = 'base' DESC, f.downloads + g.downloads DESC, f.repo_id, g.repo_id LIMIT ${limit}`;
  return rows;
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

/** A repo in which some weights are, or were. */
export interface Side {
  readonly repoId: string;
  readonly repo: string;
  readonly commit: string;
  readonly weightsSha256: string;
  /** Whether they are what the repo is today. */
  readonly isCurrent: boolean;
}

/** Where these weights are, in repos that `visible` lets through, newest first. */
export async function sidesWith(weights: readonly string[], visible: Prisma.RepoWhereInput): Promise<Side[]> {
  const rows = await database().inspection.findMany({
    where: { weightsSha256: { in: [...new Set(weights)] }, commit: { repo: visible } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    take: 5000,
    select: {
      weightsSha256: true,
      commit: {
        select: { id: true, repo: { select: { id: true, name: true, namespace: { select: { name: true } } } } },
      },
    },
  });
  const current = await currentWeights(rows.map(({ commit }) => commit.repo.id));
  return rows.map(({ weightsSha256, commit: { id, repo } }) => ({
    repoId: repo.id,
    repo: `${repo.namespace.name}/${repo.name}`,
    commit: id,
    weightsSha256: weightsSha256!,
    isCurrent: current.get(repo.id) === weightsSha256,
  }));
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

/** All weights that a repo ever had, newest first. */
export async function weightsOfRepo(repoId: string): Promise<string[]> {
  const rows = await database().inspection.findMany({
    where: { commit: { repoId }, weightsSha256: { not: null } },
    orderBy: { createdAt: "desc" },
    take: 1000,
    select: { weightsSha256: true },
  });
  return [...new Set(rows.map(({ weightsSha256 }) => weightsSha256!))];
}

export async function visibleRepos(
  ids: readonly string[],
  visible: Prisma.RepoWhereInput,
): Promise<Map<string, string>> {
  const rows = await database().repo.findMany({
    where: { AND: [visible, { id: { in: [...ids] } }] },
    select: { id: true, name: true, namespace: { select: { name: true } } },
  });
  return new Map(rows.map(({ id, name, namespace }) => [id, `${namespace.name}/${name}`]));
}

/** The repos of some commits, by commit, where they are still there. */
export async function commitRepos(ids: readonly string[]): Promise<Map<string, { repoId: string; name: string }>> {
  const rows = await database().commit.findMany({
    where: { id: { in: [...ids] }, repo: { deletedAt: null } },
    select: { id: true, repo: { select: { id: true, name: true } } },
  });
  return new Map(rows.map(({ id, repo }) => [id, { repoId: repo.id, name: repo.name }]));
}

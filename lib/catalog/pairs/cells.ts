import type { Actor } from "#lib/auth/actor.ts";
import { mayKnowPair, maySeePairWork } from "#lib/catalog/units/who-may-see.ts";
import { verdictOf } from "#lib/catalog/verdict.ts";
import { database } from "#lib/db/client.ts";
import { FAILED_ELSEWHERE, type PairRow } from "./repository.ts";
import { type MatrixRow, storedSummary } from "./schema.ts";
import { currentProtocols, staleReason } from "./views.ts";

/** What is told of a pair in a table, and of which weights of which two repos. */
interface FamilyPair extends Pick<
  PairRow,
  | "id"
  | "state"
  | "verdict"
  | "problem"
  | "protocol"
  | "runtime"
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
  readonly next: number | null;
}

/** All that was measured between some models and some guides, with any weights that they ever had, as far as somebody may know it; newest first. */
async function pairsAmong(
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
      p.state, p.verdict::text AS verdict, CASE WHEN p.problem IS NULL OR ${maySeePairWork(actor, "p")} THEN p.problem ELSE ${FAILED_ELSEWHERE} END AS problem, p.protocol, p.runtime,
      p.measured_at AS "measuredAt", (p.summary #>> '{request,pictures}')::int AS pictures, p.judge_commit_id AS "judgeCommitId",
      nullif(p.summary #> '{measured,fidelity,recovered}', 'null') AS recovered, coalesce(p.summary #>> '{measured,fidelity,cfg,n}', p.summary #>> '{measured,agreement,fvu,n}')::int AS n,
      (p.summary #>> '{measured,next}')::int AS next
    FROM weight f JOIN pair p ON p.unit_hash = f.weights JOIN weight g ON g.weights = p.guide_weights_sha256
    WHERE f.repo_id = ANY (${[...finetunes]}::uuid[]) AND g.repo_id = ANY (${[...guides]}::uuid[]) AND ${mayKnowPair(actor, "p")}
    ORDER BY p.created_at DESC, p.id DESC`;
  return rows.map(({ pictures, ...row }) => ({
    ...row,
    verdict: verdictOf(row.verdict),
    summary: storedSummary.parse(pictures === null ? {} : { request: { pictures } }),
  }));
}

/** What is told of a model and a guide together. */
export type Cell = MatrixRow["cells"][number];

/** One of the two, and the weights that it has today. */
export interface Party {
  readonly repoId: string;
  readonly weights: string | null;
}

const open: Cell = {
  pair: null,
  state: "not measured",
  verdict: "notMeasured",
  recovered: null,
  n: null,
  next: null,
  problem: null,
  stale: null,
  measuredAt: null,
};

/** Of each of some models with each of some guides the measurement that says most of what they are today. */
export async function cellsOf(
  actor: Actor,
  models: readonly Party[],
  guides: readonly Party[],
): Promise<(model: Party, guide: Party) => Cell> {
  const idsOf = (all: readonly Party[]): string[] => all.map(({ repoId }) => repoId);
  const rows = await pairsAmong(actor, idsOf(models), idsOf(guides));
  const isCurrent = await currentProtocols(rows);
  const byPlace = Map.groupBy(rows, ({ finetuneRepoId, guideRepoId }) => `${finetuneRepoId} ${guideRepoId}`);
  return (model, guide) => {
    const speaking = (byPlace.get(`${model.repoId} ${guide.repoId}`) ?? []).map((row) => {
      const is = {
        finetune: row.unitHash === model.weights,
        guide: row.guideWeightsSha256 === guide.weights,
        protocol: isCurrent(row),
      };
      return { row, stale: staleReason(is) };
    });
    const [best] = speaking.toSorted(byUse);
    return best ? toCell(best.row, best.stale) : open;
  };
}

function toCell(
  { id, state, verdict, recovered, n, next, problem, measuredAt }: FamilyPair,
  stale: string | null,
): Cell {
  return {
    pair: id,
    state: state === "succeeded" ? "measured" : state,
    verdict,
    recovered,
    n,
    next,
    problem,
    stale,
    measuredAt: measuredAt && measuredAt.toISOString(),
  };
}

interface Speaking {
  readonly row: Pick<PairRow, "state" | "summary">;
  readonly stale: string | null;
}

/** Of several measurements of one pair first the one that speaks of today, then of what is on its way, then the last; of more prompts first. */
const byUse = (a: Speaking, b: Speaking): number =>
  usefulness(b) - usefulness(a) || b.row.summary.request.pictures - a.row.summary.request.pictures;

const usefulness = ({ row: { state }, stale }: Speaking): number =>
  (stale === null ? 10 : 0) + (state === "succeeded" ? 3 : state === "running" || state === "queued" ? 2 : 1);

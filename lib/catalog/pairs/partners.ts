import { z } from "zod";
import { requireRead, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { can, kinds } from "#lib/catalog/kinds.ts";
import { unitsOfCommits } from "#lib/catalog/units/service.ts";
import type { Unit } from "#lib/catalog/units/unit.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { AppError } from "#lib/errors.ts";
import { type Page, parseCursor, toPage } from "#lib/page.ts";
import {
  currentWeights,
  keysOfRepo,
  type Model,
  modelOfRepo,
  type PairRow,
  pairsUnder,
  partnersOf,
  type Side,
  sidesWith,
  visibleRepos,
} from "./repository.ts";
import type { Partner } from "./schema.ts";
import { currentProtocols, evidenceOf, staleReason } from "./views.ts";

const MAX_PARTNERS = 1000; // of those that were not measured, the most used

/** The guides that work on a model, best proven first, and those of its base that nobody has measured on it. @throws bad_request for a guide */
export async function listGuides(actor: Actor, name: RepoName, page: PageQuery): Promise<Page<Partner>> {
  const repo = await requireRead(actor, name);
  if (!can(repo, "draws"))
    throw new AppError(
      "bad_request",
      `${repo.owner}/${repo.name} is a ${kinds[repo.kind].name}, which draws nothing itself; ask for /fits, the models that it works on.`,
    );
  return pageThrough(await partnersFor(actor, repo.id, "unit"), page);
}

/** The models that a guide works on, best proven first, and those of its base that nobody has measured with it. @throws bad_request for a model */
export async function listFits(actor: Actor, name: RepoName, page: PageQuery): Promise<Page<Partner>> {
  const repo = await requireRead(actor, name);
  if (!can(repo, "guides"))
    throw new AppError(
      "bad_request",
      `${repo.owner}/${repo.name} is a ${kinds[repo.kind].name}, which guides nothing; ask for /guides, those that work on it.`,
    );
  return pageThrough(await partnersFor(actor, repo.id, "guide"), page);
}

interface PageQuery {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

const keyOf = { unit: "unitHash", guide: "guideWeightsSha256" } as const;

interface Candidate extends Pick<Partner, "repo" | "commit" | "parameters"> {
  /** What it is today; null where that is none of `allWeights`. */
  readonly weights: string | null;
  readonly allWeights: ReadonlySet<string>;
}

async function partnersFor(actor: Actor, repoId: string, side: "unit" | "guide"): Promise<Partner[]> {
  const [mine, theirs] = [keyOf[side], keyOf[side === "unit" ? "guide" : "unit"]];
  const [model, history, current] = [
    await modelOfRepo(repoId),
    await keysOfRepo(repoId),
    (await currentWeights([repoId])).get(repoId),
  ];
  if (side === "unit" && model && !(await drawable(actor, [model.commitId])).has(model.commitId)) return [];
  const rows = await pairsUnder(actor, side, history);
  const isCurrent = await currentProtocols(rows);
  const known = await candidatesFor(
    actor,
    model ? await measurable(actor, side, await partnersOf(model, MAX_PARTNERS)) : [],
    rows.map((row) => row[theirs]),
  );
  const byTheirs = Map.groupBy(rows, (row) => row[theirs]);

  const partners = known.map((candidate): Partner => {
    const { repo, commit, parameters, weights, allWeights } = candidate;
    const [best] = [...allWeights]
      .flatMap((each) => byTheirs.get(each) ?? [])
      .map((row) => {
        const [ours, others] = [row[mine] === current, row[theirs] === weights];
        return {
          row,
          stale: staleReason({
            finetune: side === "unit" ? ours : others,
            guide: side === "unit" ? others : ours,
            protocol: isCurrent(row),
          }),
        };
      })
      .toSorted(byUse);
    if (!best)
      return {
        repo,
        commit,
        parameters,
        pair: null,
        state: "not measured",
        verdict: "notMeasured",
        recovered: null,
        n: null,
        problem: null,
        stale: null,
        measuredAt: null,
      };
    const { state, ...evidence } = evidenceOf(best.row);
    return {
      repo,
      commit,
      parameters,
      pair: best.row.id,
      ...evidence,
      state: state === "succeeded" ? "measured" : state,
      stale: best.stale,
    };
  });
  return partners.toSorted(
    (a, b) => rank(a) - rank(b) || (b.recovered?.low ?? 0) - (a.recovered?.low ?? 0) || (a.repo < b.repo ? -1 : 1),
  );
}

/** Of what may pair with one side what somebody may ask for: a low-rank fine-tune may be public and its base not. */
async function measurable(actor: Actor, side: "unit" | "guide", models: readonly Model[]): Promise<Model[]> {
  if (side === "unit") return [...models];
  const may = await drawable(
    actor,
    models.map(({ commitId }) => commitId),
  );
  return models.filter(({ commitId }) => may.has(commitId));
}

/** Of some commits those that somebody may draw with: they may read all that these run on. */
async function drawable(actor: Actor, commitIds: readonly string[]): Promise<Set<string>> {
  const units = await unitsOfCommits(commitIds, 1);
  const parts = [...units.values()].flatMap(({ components }) => components.map(({ commitId }) => commitId));
  const readable = await readableCommits(actor, parts);
  const isReadable = ({ components }: Unit): boolean => components.every(({ commitId }) => readable.has(commitId));
  return new Set(commitIds.filter((id) => units.has(id) && isReadable(units.get(id)!)));
}

/** What may pair by contract and base, and what was measured in fact, as far as somebody may see it. */
async function candidatesFor(
  actor: Actor,
  models: readonly Model[],
  measured: readonly string[],
): Promise<Candidate[]> {
  const names = await visibleRepos(
    actor,
    models.map(({ repoId }) => repoId),
  );
  const sides = Map.groupBy(await sidesWith(actor, measured), ({ repoId }) => repoId);
  const current = await currentWeights([...sides.keys()]);
  const weightsIn = (all: readonly Side[] = []): string[] => all.map(({ key }) => key);
  const candidates = new Map<string, Candidate>();
  for (const [repoId, all] of sides) {
    const shown = all.find(({ key }) => key === current.get(repoId));
    const { repo, commit } = shown ?? all[0]!;
    candidates.set(repoId, {
      repo,
      commit,
      parameters: null,
      weights: shown?.key ?? null,
      allWeights: new Set(weightsIn(all)),
    });
  }
  for (const { repoId, commitId: commit, weightsSha256: weights, parameters } of models) {
    const repo = names.get(repoId);
    if (repo !== undefined)
      candidates.set(repoId, {
        repo,
        commit,
        parameters,
        weights,
        allWeights: new Set([weights, ...weightsIn(sides.get(repoId))]),
      });
  }
  return [...candidates.values()];
}

interface Speaking {
  readonly row: Pick<PairRow, "state" | "summary">;
  readonly stale: string | null;
}

/** Of several measurements of one pair first the one that speaks of today, then of what is on its way, then the last; of more prompts first. */
export const byUse = (a: Speaking, b: Speaking): number =>
  usefulness(b) - usefulness(a) || b.row.summary.request.pictures - a.row.summary.request.pictures;

const usefulness = ({ row: { state }, stale }: Speaking): number =>
  (stale === null ? 10 : 0) + (state === "succeeded" ? 3 : state === "running" || state === "queued" ? 2 : 1);

/** Proven first, then proven of earlier weights, then what is on its way, then what is open, last what does not work. A look counts while the next is on its way. */
function rank({ state, verdict, stale }: Partner): number {
  if (verdict === "incompatible") return 9;
  if (verdict === "verified" || verdict === "usableWithLimits")
    return (stale === null ? 0 : 2) + (verdict === "verified" ? 0 : 1);
  return { measured: 6, running: 4, queued: 5, "not measured": 7, failed: 8, cancelled: 8 }[state];
}

/** The list is short and sorted anew each time, so a place in it is a number. */
function pageThrough(partners: readonly Partner[], { cursor, limit }: PageQuery): Page<Partner> {
  const [begin] = cursor === undefined ? [0] : parseCursor(cursor, z.tuple([z.int().min(0)]));
  return toPage(partners.slice(begin, begin + limit + 1), limit, () => [begin + limit]);
}

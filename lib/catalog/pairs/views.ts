import { z } from "zod";
import { requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { curveOfPair, envelopeOfPair } from "./study-repository.ts";
import { commitsByBytes, evaluatorsFor, namesOfCommits } from "#lib/catalog/evaluators/repository.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import { findPeriod } from "#lib/catalog/periods/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { type ComponentRow, componentsOf, firstHolders, type Holder } from "#lib/catalog/units/repository.ts";
import type { UnitView } from "#lib/catalog/units/schema.ts";
import { testedOn } from "#lib/pairing/measured-accuracies.ts";
import { unitHash } from "#lib/catalog/units/unit.ts";
import { AppError } from "#lib/errors.ts";
import type { Feed } from "#lib/queue/feed.ts";
import { type Page, parseCursor, placeTime, toPageOfLooked } from "#lib/page.ts";
import { heldBackPrompt } from "#lib/pairing/period-secret.ts";
import { lastLook } from "#lib/pairing/plan.ts";
import { isOfThisVersion, protocolKey } from "#lib/pairing/protocol.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { lookAtPairs } from "./listing.ts";
import { knownPairs, measurementsOf, type PairRow, pairsOf } from "./repository.ts";
import {
  type Measured,
  measuringRuntime,
  type PairItem,
  type PairQuery,
  type PairView,
  type Progress,
  type UsedEvaluator,
} from "./schema.ts";
import { commitRepos, currentWeights } from "./weights.ts";

/** A pair that somebody may know, by the repos that are credited with it: of all that they may read with the same bytes the first. */
export interface Seen {
  readonly row: PairRow;
  readonly unit: UnitView;
  /** What the unit goes by: the last of its components. */
  readonly finetune: Holder;
  readonly guide: Holder;
  readonly stale: string | null;
}

/** @throws not_found, also where it is there and may not be seen */
export async function requireSeen(actor: Actor, id: string): Promise<Seen> {
  const seen = await findSeen(actor, id);
  if (!seen)
    throw new AppError("not_found", "There is no measurement of that id that you may see; check the id, or sign in.");
  return seen;
}

async function findSeen(actor: Actor, id: string): Promise<Seen | undefined> {
  const rows = await knownPairs(actor, [id]);
  return (await withHolders(actor, rows))[0];
}

/** Of pairs that somebody may know, in the same order. */
export async function withHolders(actor: Actor, rows: readonly PairRow[]): Promise<Seen[]> {
  const units = await componentsOf(rows.map(({ unitId }) => unitId));
  const weights = [...units.values()].flat().map(({ weightsSha256 }) => weightsSha256);
  const holders = await firstHolders(actor, [...weights, ...rows.map(({ guideWeightsSha256 }) => guideWeightsSha256)]);
  const current = await currentWeights([...holders.values()].map(({ repoId }) => repoId));
  const isCurrent = await currentProtocols(rows);
  return rows.flatMap((row) => {
    const components = units.get(row.unitId) ?? [];
    const [last, guide] = [components.at(-1), holders.get(row.guideWeightsSha256)];
    const finetune = last && holders.get(last.weightsSha256);
    if (!finetune || !guide) return []; // a repo went meanwhile
    const is = {
      finetune: current.get(finetune.repoId) === unitHash(components.map(atFullStrength)),
      guide: current.get(guide.repoId) === row.guideWeightsSha256,
      protocol: isCurrent(row),
    };
    return [{ row, unit: toUnitView(row.unitHash, components, holders), finetune, guide, stale: staleReason(is) }];
  });
}

const atFullStrength = (component: ComponentRow): ComponentRow => ({ ...component, strength: 1, textStrength: 1 });

const toUnitView = (
  hash: string,
  components: readonly ComponentRow[],
  holders: ReadonlyMap<string, Holder>,
): UnitView => ({
  hash,
  components: components.map(({ role, weightsSha256, strength, textStrength }) => {
    const { repo = null, commit = null } = holders.get(weightsSha256) ?? {};
    return { role, repo, commit, weightsSha256, strength, textStrength };
  }),
});

/** Whether some pairs are measured as they would be measured today, or by which change they are not. */
export async function currentProtocols(rows: readonly Judged[]): Promise<(row: Judged) => ProtocolAge> {
  const bases = await commitRepos(rows.flatMap(({ judgeCommitId }) => judgeCommitId ?? []));
  const keys = new Map<string, string>();
  for (const repoId of new Set([...bases.values()].map((base) => base.repoId)))
    keys.set(repoId, protocolKey({ evaluators: await evaluatorsFor(repoId) }));
  return ({ protocol, runtime, judgeCommitId }) => {
    if (!isOfThisVersion(protocol)) return "earlier protocol";
    if (runtime !== measuringRuntime()) return "other runtime";
    const repoId = bases.get(judgeCommitId ?? "")?.repoId;
    return repoId === undefined || protocol === keys.get(repoId) ? "current" : "other judges";
  };
}

type Judged = Pick<PairRow, "protocol" | "runtime" | "judgeCommitId">;
export type ProtocolAge = "current" | "earlier protocol" | "other runtime" | "other judges";

/** Each: whether what was measured is what there is today. */
export function staleReason(is: {
  readonly finetune: boolean;
  readonly guide: boolean;
  readonly protocol: ProtocolAge;
}): string | null {
  if (!is.finetune && !is.guide) return "Fine-tune and guide have other weights since.";
  if (!is.finetune) return "The fine-tune has other weights since.";
  if (!is.guide) return "The guide has other weights since.";
  return {
    current: null,
    "earlier protocol": "It was measured by an earlier protocol, whose words were less certain than today's.",
    "other runtime":
      "Pairs are measured on another kind of processor since, whose numbers do not compare to the last digit.",
    "other judges": "Pairs are judged by other evaluators since.",
  }[is.protocol];
}

export function toItem({ row, unit, finetune, guide, stale }: Seen): PairItem {
  const { id, protocol, runtime } = row;
  const at = ({ repo, commit, copies }: Holder) => ({ repo, commit, copies });
  return {
    id,
    unit,
    finetune: at(finetune),
    guide: at(guide),
    ...evidenceOf(row),
    stale,
    protocol,
    runtime,
    createdAt: row.createdAt.toISOString(),
  };
}

export function evidenceOf({
  state,
  verdict,
  problem,
  summary,
  measuredAt,
}: PairRow): Pick<PairItem, "state" | "verdict" | "recovered" | "n" | "next" | "problem" | "measuredAt"> {
  const { fidelity, agreement, next = null } = summary.measured ?? {};
  return {
    state,
    verdict,
    recovered: fidelity?.recovered ?? null,
    n: fidelity?.cfg.n ?? agreement?.fvu.n ?? null,
    next,
    problem,
    measuredAt: measuredAt && measuredAt.toISOString(),
  };
}

/** A pair as lists show it; null where it is not there, or may not be seen. */
export async function getPairItem(actor: Actor, id: string): Promise<PairItem | null> {
  return (await getPairItems(actor, [id])).get(id) ?? null;
}

/** Some pairs as lists show them, by the id, as far as somebody may see them. */
export async function getPairItems(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, PairItem>> {
  const seen = await withHolders(actor, await knownPairs(actor, ids));
  return new Map(seen.map((one) => [one.row.id, toItem(one)]));
}

/** Why the verdicts of some pairs are what they are, by the id, as far as somebody may know. */
export async function reasonsOf(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  return new Map((await knownPairs(actor, ids)).map(({ id, reasons }) => [id, reasons]));
}

/** A pair with everything that was measured; `withRaw`: down to the value of every sample. @throws not_found */
export async function getPair(actor: Actor, id: string, withRaw: boolean): Promise<PairView> {
  const seen = await requireSeen(actor, id);
  const { row } = seen;
  const period = row.period === null ? null : await findPeriod(row.period);
  const measurements = row.measuredAt ? await measurementsOf(id, withRaw) : [];
  return {
    ...toItem(seen),
    reasons: [...row.reasons],
    period,
    outlook: outlookOf(row, measurements),
    pictures: row.summary.request.pictures,
    progress:
      row.state === "running" ? (((await progressOf("check", [id])).get(id) as Progress | undefined) ?? null) : null,
    queue: row.state === "queued" ? await queuePosition("check", id) : null,
    measured: row.summary.measured ? await asFoundThere(actor, row.summary.measured, seen) : null,
    curve: await curveOfPair(id, withRaw),
    envelope: await envelopeOfPair(id, withRaw),
    measurements: period !== null && period.secret === null ? measurements.map(withoutPrompts) : measurements,
  };
}

/** What comes next of the plan, and how long that takes by what the looks before took. */
function outlookOf(
  { state, summary: { measured } }: PairRow,
  measurements: readonly Pick<LevelRow, "level" | "n" | "milliseconds">[],
): PairView["outlook"] {
  const next = measured?.next ?? null;
  if (next === null) return null;
  const drawn = measurements.find(({ level }) => level === PICTURES);
  const seconds = drawn ? ((next - drawn.n) * drawn.milliseconds) / drawn.n / 1000 : null;
  return { prompts: next, ofAtMost: lastLook.prompts, seconds, comesByItself: isUnfinished({ state }) };
}

type LevelRow = Awaited<ReturnType<typeof measurementsOf>>[number];

/** Until what its period draws is told, nobody is shown a prompt of it: a guide could still be trained on that. */
function withoutPrompts(level: LevelRow): LevelRow {
  if (level.level !== PICTURES || !Array.isArray(level.raw)) return level;
  return { ...level, raw: level.raw.map((value, i) => ({ ...(value as object), prompt: heldBackPrompt(i) })) };
}

const PICTURES = 4;

/** Its files by the paths that they have where they are credited: those that were read may be somebody's own. */
async function asFoundThere(actor: Actor, measured: Measured, { unit, guide }: Seen): Promise<Measured> {
  const commits = [...unit.components.map(({ commit }) => commit), guide.commit].filter((commit) => commit !== null);
  const paths = new Map<string, string>();
  for (const commit of new Set(commits))
    for (const { sha256, path } of (await findInspection(commit))?.facts?.files ?? []) paths.set(sha256, path);
  return {
    ...measured,
    files: measured.files.map((file) => ({ ...file, path: paths.get(file.sha256) ?? file.role })),
    evaluators: await withNames(actor, usedIn(measured)),
  };
}

/** Evidence of before evaluators had repos names the one that there was by its bytes. */
function usedIn({ evaluators, evaluatorSha256, fidelity }: Measured): readonly UsedEvaluator[] {
  if (evaluators.length > 0 || evaluatorSha256 === null) return evaluators;
  const said = { style: null, silence: null, verdict: null, fidelity };
  return [{ sha256: evaluatorSha256, kind: "attributes", commit: null, repo: null, testedOn: "", ...said }];
}

/** Where each evaluator is, as far as somebody may see it. */
async function withNames(actor: Actor, used: readonly UsedEvaluator[]): Promise<UsedEvaluator[]> {
  const known = await commitsByBytes(used.filter(({ commit }) => commit === null).map(({ sha256 }) => sha256));
  const placed = used.map((one) => ({ ...one, commit: one.commit ?? known.get(one.sha256) ?? null }));
  const commits = placed.flatMap(({ commit }) => commit ?? []);
  const names = await namesOfCommits(actor, commits);
  return placed.map((one) => ({ ...one, repo: names.get(one.commit ?? "") ?? null, testedOn: testedOn(one) }));
}

/** How a measurement moves, for whoever looks on: `state` is all of it, `progress` how far it is, `end` its last state. */
export const pairFeed = (actor: Actor, id: string): Feed<PairView> => ({
  id,
  read: () => getPair(actor, id, false),
  changes(before, now) {
    const end = hasEnded(now)
      ? [{ name: "end", data: { state: now.state, verdict: now.verdict, problem: now.problem } }]
      : [];
    const stateOf = ({ progress: _progress, ...rest }: PairView): string => JSON.stringify(rest);
    if (before === null || stateOf(before) !== stateOf(now)) return [{ name: "state", data: now }, ...end];
    return JSON.stringify(before.progress) === JSON.stringify(now.progress)
      ? []
      : [{ name: "progress", data: now.progress }];
  },
  hasEnded,
});

const hasEnded = (pair: PairView): boolean => !isUnfinished(pair);

const place = z.tuple([placeTime, z.uuid()]);

/** For a page, those that may not be known too: then it ends, however few are on it, and the next one goes on there. */
const MOST_LOOKED_AT = 200;

/** The pairs that somebody may see, newest first. */
export async function listPairs(
  actor: Actor,
  { finetune, guide, verdict, cursor, limit }: PairQuery,
): Promise<Page<PairItem>> {
  const repoId = async (name: string | undefined) => name && (await requireRead(actor, toRepoName(name))).id;
  const at = cursor === undefined ? null : parseCursor(cursor, place);
  const selection = {
    finetuneRepoId: await repoId(finetune),
    guideRepoId: await repoId(guide),
    verdict,
    after: at && ([new Date(at[0]), at[1]] as const),
  };
  const looked = await lookAtPairs(actor, selection, MOST_LOOKED_AT);
  const page = toPageOfLooked(looked, limit, MOST_LOOKED_AT, (last) => [last.createdAt.toISOString(), last.id]);
  const rows = await pairsOf(
    actor,
    page.items.map(({ id }) => id),
  );
  return { ...page, items: (await withHolders(actor, rows)).map(toItem) };
}

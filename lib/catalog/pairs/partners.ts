import { z } from "zod";
import { requireRead, type RepoName, visibleParts } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { unitsOfCommits } from "#lib/catalog/units/service.ts";
import type { Unit } from "#lib/catalog/units/unit.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { verdict } from "#lib/catalog/verdict.ts";
import { AppError } from "#lib/errors.ts";
import { type Page, parseCursor, toCursor } from "#lib/page.ts";
import { cellsOf } from "./cells.ts";
import { type EvidencePlace, lookAtEvidence, type Span } from "./evidence.ts";
import { type FamilyPlace, nextOfFamily, placeInFamily } from "./family.ts";
import { type Model, modelOfRepo } from "./models.ts";
import type { Partner } from "./schema.ts";
import { currentWeights, keysOfRepo, namesWith } from "./weights.ts";

/** The guides that work on a model, best proven first, and those of its base that nobody has measured on it. @throws bad_request for a guide */
export async function listGuides(actor: Actor, name: RepoName, page: PageQuery): Promise<Page<Partner>> {
  const repo = await requireRead(actor, name);
  if (!can(repo, "draws"))
    throw new AppError(
      "bad_request",
      `${repo.owner}/${repo.name} is ${aKind(repo)}, which draws nothing itself${can(repo, "guides") ? "; ask for /fits, the models that it works on" : ", and is half of no pair"}.`,
    );
  return listPartners(actor, repo.id, "unit", page);
}

/** The models that a guide works on, best proven first, and those of its base that nobody has measured with it. @throws bad_request for a model */
export async function listFits(actor: Actor, name: RepoName, page: PageQuery): Promise<Page<Partner>> {
  const repo = await requireRead(actor, name);
  if (!can(repo, "guides"))
    throw new AppError(
      "bad_request",
      `${repo.owner}/${repo.name} is ${aKind(repo)}, which guides nothing${can(repo, "draws") ? "; ask for /guides, those that work on it" : ", and is half of no pair"}.`,
    );
  return listPartners(actor, repo.id, "guide", page);
}

interface PageQuery {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

type Side = "unit" | "guide";

/** In the order of the list. What nobody has measured stands between what is on its way and what was tried in vain or is open. */
const stages: readonly (Span | "not measured")[] = [
  { from: "verified", to: "usableWithLimits" },
  { from: "notMeasured", to: "notMeasured", hasEnded: false },
  "not measured",
  { from: "notMeasured", to: "notMeasured", hasEnded: true },
  { from: "inconclusive", to: "inconclusive" },
  { from: "incompatible", to: "incompatible" },
];

const stage = z
  .int()
  .min(0)
  .max(stages.length - 1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const place = z.union([
  z.tuple([stage, sha256, verdict, z.number(), z.uuid(), z.uuid()]),
  z.tuple([stage, z.int().min(0).max(1), z.int32(), z.uuid()]),
]);
type Place = z.output<typeof place>;

/** A repo that was looked at, whether or not it is told of. */
interface Candidate {
  readonly place: Place;
  readonly repoId: string;
  /** By which it comes into the list; null where nobody has measured it. */
  readonly pairId: string | null;
  readonly theirs: string;
  readonly isShown: boolean;
}

/** What is looked at for a page beyond what it shows: other measurements of the same, and what may not be known. */
const MORE = 30;
/** Then a page ends, however few are on it; the next one goes on there. */
const MOST_LOOKS = 8;

/**
 * A walk through indexes that is begun anew at each page: first what was measured of what the repo is today, in the order of evidence.
 * Who was measured more than once comes where its best measurement stands, and of what may not be known no more is walked past than
 * `MOST_LOOKS` times a page; so a page costs the same in a family of ten and of ten thousand.
 */
async function listPartners(
  actor: Actor,
  repoId: string,
  side: Side,
  { cursor, limit }: PageQuery,
): Promise<Page<Partner>> {
  const after = cursor === undefined ? null : parseCursor(cursor, place);
  const [model, history, current] = [
    await modelOfRepo(repoId),
    await keysOfRepo(repoId),
    (await currentWeights([repoId])).get(repoId) ?? null,
  ];
  if (side === "unit" && model && !(await drawable(actor, [model.commitId])).has(model.commitId))
    return { items: [], next: null };
  const keys = history.toSorted((a, b) => Number(b === current) - Number(a === current) || (a < b ? -1 : 1));
  const walk = candidates(actor, { repoId, side, model, keys, current }, after, limit + 1 + MORE);
  const found: { readonly partner: Partner; readonly place: Place }[] = [];
  const pageTo = (end: Place | null): Page<Partner> => ({
    items: found.map(({ partner }) => partner).toSorted(byEvidence),
    next: end && toCursor(end),
  });
  let last = after;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { value: looked, done } = await walk.next();
    if (done) return pageTo(null);
    const partners = await toPartners(
      actor,
      { repoId, side, current },
      looked.filter(({ isShown }) => isShown),
    );
    for (const candidate of looked) {
      const partner = partners.get(candidate);
      if (partner && found.length === limit) return pageTo(found.at(-1)!.place);
      if (partner) found.push({ partner, place: candidate.place });
      last = candidate.place;
    }
  }
  return pageTo(last);
}

interface Of {
  readonly repoId: string;
  readonly side: Side;
  readonly model: Model | null;
  /** Under which it was measured, that of today first. */
  readonly keys: readonly string[];
  readonly current: string | null;
}

async function* candidates(
  actor: Actor,
  { repoId, side, model, keys, current }: Of,
  after: Place | null,
  most: number,
): AsyncGenerator<readonly Candidate[], void> {
  for (let at = after?.[0] ?? 0; at < stages.length; at++) {
    const span = stages[at]!;
    let behind = after?.[0] === at ? after : null;
    for (;;) {
      const looked: Candidate[] =
        span === "not measured"
          ? await lookAtFamily(actor, { repoId, side, model }, at, behind?.length === 4 ? behind : null, most)
          : await lookAtMeasured(actor, { side, keys, current }, at, span, behind?.length === 6 ? behind : null, most);
      yield looked;
      if (looked.length < most) break;
      behind = looked.at(-1)!.place;
    }
  }
}

async function lookAtMeasured(
  actor: Actor,
  { side, keys, current }: Pick<Of, "side" | "keys" | "current">,
  at: number,
  span: Span,
  after: Extract<Place, { length: 6 }> | null,
  most: number,
): Promise<Candidate[]> {
  const [, key, verdictAt, shortfall, pairId, repoId] = after ?? [];
  // The weights of today may have become others since the page before.
  const left = after === null || key === current ? keys : keys.filter((each) => each !== current && each >= key!);
  if (left.length === 0) return [];
  const behind = after && ({ key, verdict: verdictAt, shortfall, pairId, repoId } as EvidencePlace);
  const rows = await lookAtEvidence(actor, side, left, span, behind, most);
  return rows.map((row) => ({
    place: [at, row.key, row.verdict, row.shortfall, row.pairId, row.repoId],
    repoId: row.repoId,
    pairId: row.pairId,
    theirs: row.theirs,
    isShown: row.isShown,
  }));
}

/** What may pair by contract and base. Of models what somebody may draw with: a low-rank fine-tune may be public and its base not. */
async function lookAtFamily(
  actor: Actor,
  { repoId, side, model }: Pick<Of, "repoId" | "side" | "model">,
  at: number,
  after: Extract<Place, { length: 4 }> | null,
  most: number,
): Promise<Candidate[]> {
  if (!model) return [];
  const behind: FamilyPlace | null = after && [after[1], after[2], after[3]];
  const what = side === "unit" ? "guides" : "draws";
  const rows = await nextOfFamily(model, what, visibleParts(actor, "m"), behind, most);
  const commits = rows.map(({ commitId }) => commitId);
  const may = side === "unit" ? new Set(commits) : await drawable(actor, commits);
  return rows.map((row) => ({
    place: [at, ...placeInFamily(row)] as Place,
    repoId: row.repoId,
    pairId: null,
    theirs: row.weightsSha256,
    isShown: may.has(row.commitId) && row.repoId !== repoId,
  }));
}

/** Of some commits those that somebody may draw with: they may read all that these run on. */
async function drawable(actor: Actor, commitIds: readonly string[]): Promise<Set<string>> {
  const units = await unitsOfCommits(commitIds, 1);
  const parts = [...units.values()].flatMap(({ components }) => components.map(({ commitId }) => commitId));
  const readable = await readableCommits(actor, parts);
  const isReadable = ({ components }: Unit): boolean => components.every(({ commitId }) => readable.has(commitId));
  return new Set(commitIds.filter((id) => units.has(id) && isReadable(units.get(id)!)));
}

/** What is told of those that come into the list where they were found, and not where another measurement of theirs stands. */
async function toPartners(
  actor: Actor,
  { repoId, side, current }: Pick<Of, "repoId" | "side" | "current">,
  found: readonly Candidate[],
): Promise<ReadonlyMap<Candidate, Partner>> {
  if (found.length === 0) return new Map();
  const weightsNow = await currentWeights(found.map((one) => one.repoId));
  const [mine, theirs] = [
    [{ repoId, weights: current }],
    [...weightsNow].map(([id, weights]) => ({ repoId: id, weights })),
  ];
  const cellOf = side === "unit" ? await cellsOf(actor, mine, theirs) : await cellsOf(actor, theirs, mine);
  const [self] = mine;
  const told = found.flatMap((candidate) => {
    const other = { repoId: candidate.repoId, weights: weightsNow.get(candidate.repoId) ?? null };
    const cell = side === "unit" ? cellOf(self!, other) : cellOf(other, self!);
    return cell.pair === candidate.pairId ? [{ candidate, cell, weights: other.weights ?? candidate.theirs }] : [];
  });
  const names = new Map(
    (
      await namesWith(
        actor,
        told.map(({ candidate, weights }) => ({ repoId: candidate.repoId, weights })),
      )
    ).map(({ repoId: id, ...name }) => [id, name]),
  );
  return new Map(
    told.flatMap(({ candidate, cell }) => {
      const name = names.get(candidate.repoId);
      return name ? [[candidate, { ...name, ...cell }]] : [];
    }),
  );
}

const byEvidence = (a: Partner, b: Partner): number =>
  rank(a) - rank(b) ||
  (b.recovered?.value ?? -Infinity) - (a.recovered?.value ?? -Infinity) ||
  (a.repo < b.repo ? -1 : 1);

/** Proven first, then proven of earlier weights, then what is on its way, then what is open, last what does not work. A look counts while the next is on its way. */
function rank({ state, verdict: told, stale }: Partner): number {
  if (told === "incompatible") return 9;
  if (told === "verified" || told === "usableWithLimits")
    return (stale === null ? 0 : 2) + (told === "verified" ? 0 : 1);
  return { measured: 6, running: 4, queued: 5, "not measured": 7, failed: 8, cancelled: 8 }[state];
}

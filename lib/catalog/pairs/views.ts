import { z } from "zod";
import { requireRead, visibleTo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { toRepoName } from "#lib/catalog/repos/schema.ts";
import { AppError } from "#lib/errors.ts";
import type { Feed } from "#lib/http/events.ts";
import { type Page, parseCursor, placeTime, toCursor } from "#lib/page.ts";
import { PROTOCOL_VERSION, protocolFamily } from "#lib/pairing/protocol.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import {
  commitRepos,
  judgesOf,
  measurementsOf,
  pairById,
  type PairRow,
  pairsWhere,
  type Side,
  sidesWith,
  weightsOfRepo,
} from "./repository.ts";
import type { PairItem, PairQuery, PairView, Progress } from "./schema.ts";

/** A pair that somebody may see: who may read a repo with the one weights, and one with the other. */
export interface Seen {
  readonly row: PairRow;
  readonly finetune: Side;
  readonly guide: Side;
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
  const row = await pairById(id);
  return row ? (await seenBy(actor, [row]))[0] : undefined;
}

/** Those of some pairs that somebody may see, in the same order. */
export async function seenBy(actor: Actor, rows: readonly PairRow[]): Promise<Seen[]> {
  const sides = Map.groupBy(
    await sidesWith(rows.flatMap(weightsOf), visibleTo(actor)),
    ({ weightsSha256 }) => weightsSha256,
  );
  const isCurrent = await currentProtocols(rows);
  return rows.flatMap((row) => {
    const finetune = shownSide(sides.get(row.finetuneWeightsSha256), row.finetuneCommitId);
    const guide = shownSide(sides.get(row.guideWeightsSha256), row.guideCommitId);
    if (!finetune || !guide) return [];
    return [
      {
        row,
        finetune,
        guide,
        stale: staleReason({ finetune: finetune.isCurrent, guide: guide.isCurrent, protocol: isCurrent(row) }),
      },
    ];
  });
}

/** Where it is what a repo is today; else where it was measured; else where it was last. */
const shownSide = (sides: readonly Side[] | undefined, commitId: string | null): Side | undefined =>
  sides?.find(({ isCurrent }) => isCurrent) ?? sides?.find(({ commit }) => commit === commitId) ?? sides?.[0];

const weightsOf = (row: PairRow): string[] => [row.finetuneWeightsSha256, row.guideWeightsSha256];

/** Which of some pairs are measured as they would be measured today. */
export async function currentProtocols(
  rows: readonly Pick<PairRow, "protocol" | "summary">[],
): Promise<(row: Pick<PairRow, "protocol" | "summary">) => boolean> {
  const bases = await commitRepos(rows.flatMap(({ summary }) => summary.request.baseCommitId ?? []));
  const families = new Map<string, string>();
  for (const repoId of new Set([...bases.values()].map((base) => base.repoId)))
    families.set(repoId, protocolFamily(await judgesOf(repoId)));
  return ({ protocol, summary }) => {
    const repoId = bases.get(summary.request.baseCommitId ?? "")?.repoId;
    return protocol.startsWith(repoId === undefined ? `v${PROTOCOL_VERSION}-` : `${families.get(repoId)}-n`);
  };
}

/** Each: whether what was measured is what there is today. */
export function staleReason(is: {
  readonly finetune: boolean;
  readonly guide: boolean;
  readonly protocol: boolean;
}): string | null {
  if (!is.finetune && !is.guide) return "Fine-tune and guide have other weights since.";
  if (!is.finetune) return "The fine-tune has other weights since.";
  if (!is.guide) return "The guide has other weights since.";
  return is.protocol ? null : "Pairs are measured otherwise since: by another protocol, evaluator or list of prompts.";
}

export function toItem({ row, finetune, guide, stale }: Seen): PairItem {
  const { id, protocol, runtime } = row;
  const at = ({ repo, commit }: Side) => ({ repo, commit });
  return {
    id,
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
}: PairRow): Pick<PairItem, "state" | "verdict" | "recovered" | "n" | "problem" | "measuredAt"> {
  const { fidelity, agreement } = summary.measured ?? {};
  return {
    state,
    verdict,
    recovered: fidelity?.recovered ?? null,
    n: fidelity?.cfg.n ?? agreement?.fvu.n ?? null,
    problem,
    measuredAt: measuredAt && measuredAt.toISOString(),
  };
}

/** A pair as lists show it; null where it is not there, or may not be seen. */
export async function getPairItem(actor: Actor, id: string): Promise<PairItem | null> {
  const seen = await findSeen(actor, id);
  return seen ? toItem(seen) : null;
}

/** A pair with everything that was measured; `withRaw`: down to the value of every sample. @throws not_found */
export async function getPair(actor: Actor, id: string, withRaw: boolean): Promise<PairView> {
  const seen = await requireSeen(actor, id);
  const { row } = seen;
  return {
    ...toItem(seen),
    reasons: [...row.reasons],
    pictures: row.summary.request.pictures,
    progress:
      row.state === "running" ? (((await progressOf("check", [id])).get(id) as Progress | undefined) ?? null) : null,
    queue: row.state === "queued" ? await queuePosition("check", id) : null,
    measured: row.summary.measured ?? null,
    measurements: row.state === "succeeded" ? await measurementsOf(id, row.attempt, withRaw) : [],
  };
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
const BATCH = 100;
const MAX_SCANNED = 5000;

/** The pairs that somebody may see, newest first. A page may be short where few of many may be seen; the next one goes on. */
export async function listPairs(
  actor: Actor,
  { finetune, guide, verdict, cursor, limit }: PairQuery,
): Promise<Page<PairItem>> {
  const weights = async (name: string | undefined) =>
    name && { in: await weightsOfRepo((await requireRead(actor, toRepoName(name))).id) };
  const [ofFinetune, ofGuide] = [await weights(finetune), await weights(guide)];
  const where = {
    ...(ofFinetune && { finetuneWeightsSha256: ofFinetune }),
    ...(ofGuide && { guideWeightsSha256: ofGuide }),
    ...(verdict && { verdict }),
  };
  const items: PairItem[] = [];
  let after = cursor === undefined ? null : parseCursor(cursor, place);
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += BATCH) {
    const behind = after && {
      OR: [{ createdAt: { lt: new Date(after[0]) } }, { createdAt: new Date(after[0]), id: { lt: after[1] } }],
    };
    const rows = await pairsWhere({ AND: [where, behind ?? {}] }, BATCH);
    for (const seen of await seenBy(actor, rows)) {
      if (items.length === limit) return { items, next: toCursor(after!) };
      items.push(toItem(seen));
      after = [seen.row.createdAt.toISOString(), seen.row.id];
    }
    if (rows.length < BATCH) return { items, next: null };
    const last = rows.at(-1)!;
    if (items.length < limit) after = [last.createdAt.toISOString(), last.id];
  }
  return { items, next: after && toCursor(after) };
}

import { z } from "zod";
import { isVisible, requireRead, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { can } from "#lib/catalog/kinds.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage } from "#lib/page.ts";
import { byUse } from "./partners.ts";
import { type FamilyPair, familyOf, modelOfRepo, pairsAmong, type Relative } from "./repository.ts";
import type { Matrix, MatrixRow } from "./schema.ts";
import { currentProtocols, staleReason } from "./views.ts";

/** Columns of a table; of a base with more, the most used. */
export const MAX_GUIDES = 24;

const place = z.tuple([z.int().min(0).max(1), z.int32(), z.uuid()]);

/**
 * All models of a base's family against all of its guides: the base first, then the most used. Three statements, however many cells
 * there are; each cell is what the pages of both repos say. @throws repo_not_found, bad_request for what is no base
 */
export async function matrix(
  actor: Actor,
  name: RepoName,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Matrix> {
  const base = await requireRead(actor, name);
  const shown = `${base.owner}/${base.name}`;
  if (!can(base, "isBase"))
    throw new AppError("bad_request", `${shown} is no base; name the base that it was made for.`, { field: "base" });
  const after = cursor === undefined ? null : parseCursor(cursor, place);
  const model = await modelOfRepo(base.id);
  const family = model ? await familyOf(model, isVisible(actor, "r"), MAX_GUIDES, after, limit + 1) : [];
  const guides = family.filter((one) => can(one, "guides"));
  const models = family.filter((one) => can(one, "draws"));
  const { items, next } = toPage(models, limit, (last) => [can(last, "isBase") ? 1 : 0, last.downloads, last.repoId]);
  const cellOf = await cells(actor, items, guides);
  return {
    base: shown,
    guides: guides.map(({ repo, commitId: commit, parameters }) => ({ repo, commit, parameters })),
    guideCount: guides[0]?.total ?? 0,
    modelCount: models[0]?.total ?? 0,
    items: items.map((one) => ({
      repo: one.repo,
      kind: one.kind,
      commit: one.commitId,
      cells: guides.map((guide) => cellOf(one, guide)),
    })),
    next,
  };
}

type Cell = MatrixRow["cells"][number];

const open: Cell = {
  pair: null,
  state: "not measured",
  verdict: "notMeasured",
  recovered: null,
  n: null,
  problem: null,
  stale: null,
  measuredAt: null,
};

async function cells(
  actor: Actor,
  models: readonly Relative[],
  guides: readonly Relative[],
): Promise<(model: Relative, guide: Relative) => Cell> {
  const idsOf = (all: readonly Relative[]): string[] => all.map(({ repoId }) => repoId);
  const rows = await pairsAmong(actor, idsOf(models), idsOf(guides));
  const isCurrent = await currentProtocols(rows);
  const byPlace = Map.groupBy(rows, ({ finetuneRepoId, guideRepoId }) => `${finetuneRepoId} ${guideRepoId}`);
  return (model, guide) => {
    const speaking = (byPlace.get(`${model.repoId} ${guide.repoId}`) ?? []).map((row) => {
      const is = {
        finetune: row.unitHash === model.weightsSha256,
        guide: row.guideWeightsSha256 === guide.weightsSha256,
        protocol: isCurrent(row),
      };
      return { row, stale: staleReason(is) };
    });
    const [best] = speaking.toSorted(byUse);
    return best ? toCell(best.row, best.stale) : open;
  };
}

function toCell({ id, state, verdict, recovered, n, problem, measuredAt }: FamilyPair, stale: string | null): Cell {
  return {
    pair: id,
    state: state === "succeeded" ? "measured" : state,
    verdict,
    recovered,
    n,
    problem,
    stale,
    measuredAt: measuredAt && measuredAt.toISOString(),
  };
}

import { z } from "zod";
import { requireRead, type RepoName, visibleParts } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { can } from "#lib/catalog/kinds.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage } from "#lib/page.ts";
import { cellsOf, type Party } from "./cells.ts";
import { nextOfFamily, placeInFamily, type Relative, sizeOfFamily } from "./family.ts";
import { modelOfRepo } from "./models.ts";
import type { Matrix } from "./schema.ts";

/** Columns of a table; of a base with more, the most used. */
export const MAX_GUIDES = 24;

const place = z.tuple([z.int().min(0).max(1), z.int32(), z.uuid()]);

/**
 * All models of a base's family against all of its guides: the base first, then the most used. A few statements, however many cells
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
  const family = model && { contract: model.contract, baseRepoId: base.id };
  const visible = visibleParts(actor, "m");
  const guides = family ? await nextOfFamily(family, "guides", visible, null, MAX_GUIDES) : [];
  const models = family ? await nextOfFamily(family, "draws", visible, after, limit + 1) : [];
  const size = family ? await sizeOfFamily(family, visible) : { guides: 0, models: 0 };
  const { items, next } = toPage(models, limit, placeInFamily);
  const cellOf = await cellsOf(actor, items.map(toParty), guides.map(toParty));
  return {
    base: shown,
    guides: guides.map(({ repo, commitId: commit, parameters }) => ({ repo, commit, parameters })),
    guideCount: size.guides,
    modelCount: size.models,
    items: items.map((one) => ({
      repo: one.repo,
      kind: one.kind,
      commit: one.commitId,
      cells: guides.map((guide) => cellOf(toParty(one), toParty(guide))),
    })),
    next,
  };
}

const toParty = ({ repoId, weightsSha256 }: Relative): Party => ({ repoId, weights: weightsSha256 });

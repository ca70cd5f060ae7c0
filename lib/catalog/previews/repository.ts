import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { reposCalled } from "#lib/catalog/models/called.ts";
import { insertUnit } from "#lib/catalog/units/repository.ts";
import type { Role, Unit } from "#lib/catalog/units/unit.ts";
import { maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { RecipeJson } from "#lib/picture/recipe.ts";
import { KEPT_DAYS, type Mode, storedRecipe, type StoredRecipe, timings, type Timings } from "./schema.ts";

export interface ImageRow {
  readonly mode: Mode;
  readonly attempt: number;
  readonly blobSha256: string;
  readonly width: number;
  readonly height: number;
  readonly passes: number;
  readonly milliseconds: number;
  /** Null where it was not asked for. */
  readonly recipe: RecipeJson | null;
}

export interface PreviewRow {
  readonly id: string;
  readonly userId: string | null;
  readonly recipe: StoredRecipe;
  readonly state: JobState;
  readonly attempt: number;
  readonly timings: Timings | null;
  readonly problem: string | null;
  readonly isAttached: boolean;
  /** Its place on its pair's sheet; null: it is on none. */
  readonly sheetIndex: number | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly unit: { readonly hash: string; readonly components: readonly PartRow[] };
  readonly finetune: SideRow;
  readonly guide: SideRow | null;
  /** Of each mode that of the last attempt that drew it. */
  readonly images: readonly ImageRow[];
}

export interface SideRow {
  readonly commitId: string;
  readonly owner: string;
  readonly repo: string;
}

/** A component of what drew it. */
export interface PartRow extends SideRow {
  readonly role: Role;
  readonly weightsSha256: string;
  readonly strength: number;
  readonly textStrength: number;
}

const side = { select: { id: true, repo: { select: { name: true, namespace: { select: { name: true } } } } } } as const;
const image = {
  mode: true,
  attempt: true,
  blobSha256: true,
  width: true,
  height: true,
  passes: true,
  milliseconds: true,
} as const;

const columns = (withRecipes: boolean) =>
  ({
    id: true,
    userId: true,
    recipe: true,
    state: true,
    attempt: true,
    timings: true,
    problem: true,
    isAttached: true,
    sheetIndex: true,
    createdAt: true,
    finishedAt: true,
    expiresAt: true,
    unit: {
      select: {
        hash: true,
        components: {
          orderBy: { position: "asc" },
          select: { role: true, weightsSha256: true, strength: true, textStrength: true, commit: side },
        },
      },
    },
    finetuneCommit: side,
    guideCommit: side,
    images: { orderBy: [{ mode: "asc" }, { attempt: "desc" }], select: { ...image, recipe: withRecipes } },
  }) as const satisfies Prisma.PreviewSelect;

type Selected = Prisma.PreviewGetPayload<{ select: ReturnType<typeof columns> }>;

function toRow({ unit, finetuneCommit, guideCommit, images, ...row }: Selected): PreviewRow {
  const newest = images.filter((one, at) => images[at - 1]?.mode !== one.mode);
  return {
    ...row,
    recipe: storedRecipe.parse(row.recipe),
    timings: row.timings === null ? null : timings.parse(row.timings),
    unit: {
      hash: unit.hash,
      components: unit.components.flatMap(({ role, commit, ...part }) =>
        commit ? [{ ...part, role: role as Role, ...toSide(commit) }] : [],
      ),
    },
    finetune: toSide(finetuneCommit),
    guide: guideCommit && toSide(guideCommit),
    images: newest.map((one) => ({ ...one, recipe: RecipeJson.safeParse(one.recipe).data ?? null })),
  };
}

const toSide = ({ id, repo }: Selected["finetuneCommit"]): SideRow => ({
  commitId: id,
  owner: repo.namespace.name,
  repo: repo.name,
});

export async function seenPreview(actor: Actor, id: string): Promise<PreviewRow | null> {
  const [seen] = await database().$queryRaw<{ id: string }[]>`
    SELECT v.id FROM preview v WHERE v.id = ${id}::uuid AND ${maySeePreview(actor, "v")}`;
  const row = seen && (await database().preview.findUnique({ where: { id }, select: columns(true) }));
  return row ? toRow(row) : null;
}

/** The columns of a pair's sheet that somebody may see, in their order. */
export async function seenColumns(actor: Actor, pairId: string): Promise<PreviewRow[]> {
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT v.id FROM preview v WHERE v.pair_id = ${pairId}::uuid AND ${maySeePreview(actor, "v")}`;
  return wholeRows(rows, { sheetIndex: "asc" });
}

/** Whole rows of some ids, newest first. */
export const previewsOf = (ids: readonly string[]): Promise<PreviewRow[]> =>
  wholeRows(
    ids.map((id) => ({ id })),
    { createdAt: "desc" },
    { id: "desc" },
  );

async function wholeRows(
  ids: readonly { readonly id: string }[],
  ...orderBy: Prisma.PreviewOrderByWithRelationInput[]
): Promise<PreviewRow[]> {
  const where = { id: { in: ids.map(({ id }) => id) } };
  return (await database().preview.findMany({ where, orderBy, select: columns(false) })).map(toRow);
}

/** Whose a preview is and what it shows, whoever asks. */
export async function knownPreview(
  id: string,
): Promise<{ readonly userId: string | null; readonly recipe: StoredRecipe } | null> {
  const row = await database().preview.findUnique({ where: { id }, select: { userId: true, recipe: true } });
  return row && { userId: row.userId, recipe: storedRecipe.parse(row.recipe) };
}

export interface PreviewToAdd {
  readonly id: string;
  readonly userId: string | undefined;
  readonly unit: Unit;
  /** What the unit goes by. */
  readonly finetuneCommitId: string;
  readonly guideCommitId: string | null;
  readonly recipe: StoredRecipe;
  /** Its place, where it is one of a pair's sheet. */
  readonly sheet?: { readonly pairId: string; readonly sheetIndex: number };
}

/** @returns false where there is one of this id, or at this place of the sheet, already */
export async function insertPreview(
  transaction: Transaction,
  { userId, unit, sheet, ...preview }: PreviewToAdd,
): Promise<boolean> {
  await insertUnit(transaction, unit);
  const { count } = await transaction.preview.createMany({
    data: { ...preview, ...sheet, unitId: unit.id, userId: userId ?? null, expiresAt: sheet ? null : expiry() },
    skipDuplicates: true,
  });
  return count === 1;
}

const expiry = (): Date => new Date(Date.now() + KEPT_DAYS * 86_400_000);

/** Its pictures lose their name with it, and the sweeper removes their bytes. @returns false where it is gone, or on a model's page */
export async function deletePreview(transaction: Transaction, id: string): Promise<boolean> {
  return (await transaction.preview.deleteMany({ where: { id, isAttached: false } })).count === 1;
}

/** @returns false where it is gone, or has not succeeded */
export async function attachRow(transaction: Transaction, id: string, isAttached: boolean): Promise<boolean> {
  return (
    (
      await transaction.preview.updateMany({
        where: { id, state: "succeeded", sheetIndex: null },
        data: { isAttached, expiresAt: isAttached ? null : expiry() },
      })
    ).count === 1
  );
}

/** How long the last previews of a model took. */
export async function timingsOf(finetuneCommitId: string, count: number): Promise<Timings[]> {
  const rows = await database().preview.findMany({
    where: { finetuneCommitId, state: "succeeded" },
    orderBy: { createdAt: "desc" },
    take: count,
    select: { timings: true },
  });
  return rows.flatMap((row) => timings.safeParse(row.timings).data ?? []);
}

export interface FoundLora {
  /** “owner/repo” */
  readonly repo: string;
  readonly name: string;
  readonly commitId: string;
  readonly path: string;
  /** Of the base that it was found to fit; null where none is on this hub. */
  readonly contract: string | null;
}

/** The low-rank fine-tune that goes by a name, “owner/repo” or that of its file, of those that somebody may see; the oldest of several. */
export async function loraOfName(actor: Actor, asked: string): Promise<FoundLora | null> {
  const [found] = await database().$queryRaw<FoundLora[]>`
    SELECT n.name || '/' || r.name AS repo, r.name, h.commit_id AS "commitId", h.facts->>'mainFile' AS path, h.contract
    FROM ${reposCalled(asked)} called JOIN repo r ON r.id = called.id JOIN namespace n ON n.id = r.namespace_id JOIN repo_head h ON h.repo_id = r.id
    WHERE ${canInSql("r", "draws")} AND ${isVisible(actor, "r")} AND h.facts->>'kind' = 'low-rank fine-tune'
      AND ((h.facts->>'runs')::boolean OR h.facts->'problems' = '[]'::jsonb)
    ORDER BY r.created_at LIMIT 1`;
  return found ?? null;
}

// The worker's side: written by who holds the attempt.

export type NewImage = Omit<ImageRow, "attempt" | "recipe"> & { readonly seed: bigint; readonly recipe: RecipeJson };

export async function insertImage(
  transaction: Transaction,
  id: string,
  attempt: number,
  { seed, ...added }: NewImage,
): Promise<void> {
  await transaction.previewImage.create({
    data: { ...added, previewId: id, attempt, seed: String(seed) },
    select: { attempt: true },
  });
}

/** The pictures of attempts that were lost on the way go. */
export async function writeTimings(
  transaction: Transaction,
  id: string,
  attempt: number,
  took: Timings,
): Promise<void> {
  await transaction.preview.update({ where: { id }, data: { timings: took }, select: { id: true } });
  await transaction.preview.updateMany({ where: { id, sheetIndex: null }, data: { expiresAt: expiry() } });
  await transaction.previewImage.deleteMany({ where: { previewId: id, attempt: { lt: attempt } } });
}

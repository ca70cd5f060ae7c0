import { seesAll } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Looked } from "#lib/page.ts";

export interface Selection {
  readonly userId?: string | undefined;
  readonly isAttached?: true | undefined;
  /** Only those of sheets, which else are left out. */
  readonly isOfSheet?: true | undefined;
  readonly finetuneRepoId?: string | undefined;
  readonly guideRepoId?: string | undefined;
  /** Only what comes after this place, newest first. */
  readonly after: readonly [createdAt: Date, id: string] | null;
}

/** As the database keeps them: for whoever asked, on the page of a model, of a sheet. */
const shelves = { own: 0, attached: 1, sheet: 2 } as const;

/**
 * The next `most` previews of a selection, newest first. Indexes have this order for each shelf, of a person, a model or a guide; what may not be
 * seen, or is of another repo, is walked past, but never more than these.
 */
export function lookAtPreviews(actor: Actor, selection: Selection, most: number): Promise<Looked[]> {
  const { finetuneRepoId, guideRepoId, after } = selection;
  const count = Prisma.raw(String(most)); // a number that is not known yet is guessed to be a tenth of the table
  const ofFinetune = finetuneRepoId === undefined ? null : Prisma.sql`v.finetune_repo_id = ${finetuneRepoId}::uuid`;
  const ofGuide = guideRepoId === undefined ? null : Prisma.sql`v.guide_repo_id = ${guideRepoId}::uuid`;
  const walks = walksOf(actor, selection).map(({ shelf, userId }) => {
    const through = userId === undefined ? (ofFinetune ?? ofGuide) : Prisma.sql`v.user_id = ${userId}`;
    const conditions = [
      Prisma.sql`v.shelf = ${Prisma.raw(String(shelves[shelf]))}`,
      ...(through ? [through] : []),
      ...(after === null ? [] : [Prisma.sql`(v.created_at, v.id) < (${after[0]}, ${after[1]}::uuid)`]),
    ];
    return Prisma.sql`(SELECT v.* FROM preview v WHERE ${Prisma.join(conditions, " AND ")} ORDER BY v.created_at DESC, v.id DESC LIMIT ${count})`;
  });
  const wanted = Prisma.join(
    [ofFinetune ?? Prisma.sql`TRUE`, ofGuide ?? Prisma.sql`TRUE`, maySeePreview(actor, "v")],
    " AND ",
  );
  return database().$queryRaw<Looked[]>`
    WITH looked AS MATERIALIZED (
      SELECT v.* FROM (${Prisma.join(walks, " UNION ALL ")}) v ORDER BY v.created_at DESC, v.id DESC LIMIT ${count}
    ), shown AS (SELECT v.id FROM looked v WHERE ${wanted})
    SELECT v.id, v.created_at AS "createdAt", shown.id IS NOT NULL AS "isShown" FROM looked v LEFT JOIN shown ON shown.id = v.id
    ORDER BY v.created_at DESC, v.id DESC`;
}

interface Walk {
  readonly shelf: keyof typeof shelves;
  readonly userId?: string | undefined;
}

function walksOf(actor: Actor, { userId, isAttached, isOfSheet }: Selection): readonly Walk[] {
  if (isOfSheet) return [{ shelf: "sheet", userId }];
  if (isAttached) return [{ shelf: "attached", userId }];
  const own = seesAll(actor) ? undefined : actor.kind === "person" ? actor.userId : null;
  return [{ shelf: "attached", userId }, ...(own === null ? [] : [{ shelf: "own", userId: userId ?? own } as const])];
}

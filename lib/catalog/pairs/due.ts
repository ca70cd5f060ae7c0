import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { can } from "#lib/catalog/kinds.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { firstOfFamily } from "./family.ts";
import { isModel, type Model, modelColumns } from "./models.ts";
import { measuringRuntime } from "./schema.ts";

/** Two that should be measured together. */
export interface Due {
  readonly finetune: Model;
  readonly guide: Model;
}

/** Of a family so many of each side are measured by themselves, the most used; what is beyond can be asked for. */
const MEASURED_BY_THEMSELVES = 500;
const OF_A_WHOLE_FAMILY = 50;

/**
 * The pairs of one model that `protocol` has not measured, the one with the guide's own base first; of a base, those of what was made
 * from it. Two private repos of different namespaces stay apart: nobody could see what came of it.
 */
export async function duePairs(
  transaction: Transaction,
  model: Model,
  inspectionId: string,
  protocol: string,
  limit: number,
): Promise<Due[]> {
  const side = (what: "draws" | "guides"): Prisma.Sql =>
    can(model, "isBase")
      ? firstOfFamily(model, what, OF_A_WHOLE_FAMILY)
      : can(model, what)
        ? Prisma.sql`(SELECT * FROM repo m WHERE m.id = ${model.repoId}::uuid AND ${isModel})`
        : firstOfFamily(model, what, MEASURED_BY_THEMSELVES);
  const asJson = (of: string): Prisma.Sql =>
    Prisma.sql`(SELECT row_to_json(one) FROM (SELECT ${modelColumns} FROM (SELECT (due.${Prisma.raw(of)}).*) m JOIN inspection i ON i.id = m.head_inspection_id) one)`;
  return transaction.$queryRaw<Due[]>`
    SELECT ${asJson("f")} AS finetune, ${asJson("g")} AS guide FROM (
      SELECT f, g FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id
      CROSS JOIN ${side("draws")} f CROSS JOIN ${side("guides")} g JOIN repo b ON b.id = f.family_id
      WHERE i.id = ${inspectionId}::uuid AND ${mayBeOpened("f")} AND ${mayBeOpened("g")} AND ${mayBeOpened("b")}
        AND f.family_id = g.family_id AND (f.visibility = 'public' OR g.visibility = 'public' OR f.namespace_id = g.namespace_id)
        AND NOT EXISTS (SELECT FROM pair p WHERE p.unit_hash = f.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256 AND p.protocol = ${protocol} AND p.runtime = ${measuringRuntime()})
      ORDER BY ${canInSql("f", "isBase")} DESC, f.downloads + g.downloads DESC, f.id, g.id LIMIT ${limit}) due`;
}

/** Whether `alias` is for everybody, or for whom the commit `c` of the repo `r` is: nothing is begun on what its author may not read. */
function mayBeOpened(alias: string): Prisma.Sql {
  const x = Prisma.raw(alias);
  return Prisma.sql`(${x}.visibility = 'public' OR ${x}.namespace_id = r.namespace_id OR ${x}.namespace_id IN (
    SELECT id FROM namespace WHERE user_id = c.author_id UNION ALL SELECT namespace_id FROM member WHERE user_id = c.author_id))`;
}

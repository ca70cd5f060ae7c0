import type { Actor } from "#lib/auth/actor.ts";
import { evaluatorsFor } from "#lib/catalog/evaluators/repository.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { type RerunUse, rerunUse } from "#lib/catalog/quotas/rerun-use.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { protocolKey } from "#lib/pairing/protocol.ts";
import { measuringRuntime } from "./schema.ts";
import { requestRerun } from "./service.ts";

/**
 * Evidence becomes old when the protocol, what judges or what computes is another. It is shown as that and never taken away; what people
 * use most is measured anew, by the hub itself and behind everybody's own work, for so long a day as the operator allows.
 */

/** So many wait or run at a time: what is spent beyond the budget is no more than these. */
const AT_ONCE = 2;

/** How many bases have models and guides that were ever measured; the most used. */
const MOST_BASES = 1000;

/** Of those that cannot be measured anew at the moment so many are passed over. */
const MOST_LOOKED_AT = 50;

/** Where nothing is old, or nothing of it can be measured anew, it is looked for again after some minutes, from the most used on. */
const REST_MS = 600_000;
let restsUntil = 0;

/** So many of what is old could not be measured when it was last looked at: what is used less has its turn nevertheless. */
let passedOver = 0;

/** For whoever sets the budget; null for everybody else. */
export const shownRerunUse = async (actor: Actor): Promise<RerunUse | null> =>
  actor.kind === "person" && actor.isOperator ? rerunUse() : null;

/** As much as there is room for. @returns how many it asked for */
export async function measureAnew(): Promise<number> {
  const { used, limit, open } = await rerunUse();
  const room = AT_ONCE - open;
  if (room <= 0 || (limit !== null && used >= limit)) return 0;
  if (Date.now() < restsUntil) return 0;
  const stale = await stalePairs(MOST_LOOKED_AT, passedOver);
  let asked = 0;
  for (const pair of stale) {
    try {
      await requestRerun(pair);
      if (++asked === room) break;
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause; // what cannot be measured any more stays what it was
      log().info({ event: "rerun.not", ...pair }, cause.message);
    }
  }
  if (asked > 0) return asked;
  const isAll = stale.length < MOST_LOOKED_AT;
  if (isAll) restsUntil = Date.now() + REST_MS;
  passedOver = isAll ? 0 : passedOver + stale.length;
  return 0;
}

/** Old evidence of what two repos are today, the most used first, where nothing was asked for that is not old. */
export async function stalePairs(
  limit: number,
  offset = 0,
): Promise<{ readonly finetune: string; readonly guide: string }[]> {
  const keys = await keysOfBases();
  if (keys.length === 0) return [];
  return database().$queryRaw`
    SELECT nf.name || '/' || f.name AS finetune, ng.name || '/' || g.name AS guide
    FROM unnest(${keys.map(({ baseId }) => baseId)}::uuid[], ${keys.map(({ key }) => key)}::text[]) b(id, protocol)
    JOIN repo g ON g.family_id = b.id AND ${canInSql("g", "guides")} AND g.deleted_at IS NULL
    JOIN repo f ON f.family_id = b.id AND ${canInSql("f", "draws")} AND f.deleted_at IS NULL AND f.contract = g.contract
    JOIN namespace nf ON nf.id = f.namespace_id JOIN namespace ng ON ng.id = g.namespace_id
    WHERE EXISTS (SELECT FROM pair p WHERE p.unit_hash = f.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256 AND p.state = 'succeeded')
      AND NOT EXISTS (SELECT FROM pair p WHERE p.unit_hash = f.weights_sha256 AND p.guide_weights_sha256 = g.weights_sha256
        AND p.protocol = b.protocol AND p.runtime = ${measuringRuntime()})
    ORDER BY f.downloads + g.downloads DESC, f.id, g.id LIMIT ${limit} OFFSET ${offset}`;
}

/** What pairs of each base are measured by today. */
async function keysOfBases(): Promise<{ readonly baseId: string; readonly key: string }[]> {
  const bases = await database().$queryRaw<{ id: string }[]>(Prisma.sql`
    SELECT r.id FROM repo r WHERE ${canInSql("r", "isBase")} AND r.deleted_at IS NULL AND r.weights_sha256 IS NOT NULL
    ORDER BY r.downloads DESC, r.id LIMIT ${MOST_BASES}`);
  const keys = [];
  for (const { id } of bases) keys.push({ baseId: id, key: protocolKey({ evaluators: await evaluatorsFor(id) }) });
  return keys;
}

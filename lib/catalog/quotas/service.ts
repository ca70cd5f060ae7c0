import { requireOperator } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { thousands } from "#lib/util/thousands.ts";
import { lockQuotaOfPerson, quotaOf, quotaOfName, type QuotaRow, setLimits } from "./repository.ts";
import type { QuotaChange, QuotaLine, QuotaName, QuotaView } from "./schema.ts";

/** What a transaction may have made more of. */
export type Grown = "bytes" | "files" | "repos";

const words: Readonly<Record<Grown, { readonly show: (count: number) => string; readonly way: string }>> = {
  bytes: { show: showBytes, way: "Delete repos or abort uploads that are not needed" },
  files: { show: (count) => `${thousands(count)} files`, way: "Delete repos or abort uploads that are not needed" },
  repos: { show: (count) => `${thousands(count)} repos`, way: "Delete repos that are not needed" },
};

/**
 * Asked after the rows are written, in their transaction: they are counted by then, and nobody else counts anything of this namespace until
 * it ends. So of many at once exactly those get through for whom there is room.
 *
 * @param added of each, by this transaction, so that what is told is what was used before
 * @throws quota_exceeded
 */
export async function requireWithinQuota(
  transaction: Transaction,
  actor: Actor,
  namespaceId: string,
  added: Partial<Readonly<Record<Grown, number>>>,
): Promise<void> {
  if (actor.kind === "hub") return;
  const row = await quotaOf(transaction, namespaceId);
  for (const [quota, more] of Object.entries(added) as [Grown, number][]) {
    const { used, reserved, limit } = lineOf(row, quota);
    if (limit === null || more === 0 || used + reserved <= limit) continue;
    const { show, way } = words[quota];
    const before = used + reserved - more;
    const announced =
      quota !== "repos" && reserved > 0 ? `, with what is announced by uploads that have not ended` : "";
    throw new AppError(
      "quota_exceeded",
      `${row.name} has ${show(before)} of the ${show(limit)} that it may have${announced}, and this would be ${show(more)} more. ${way}, or ask an operator of this hub for more.`,
      { quota, namespace: row.name, used: before, reserved, more, limit },
    );
  }
}

/** Who begins something that is counted by the person waits for their own other beginnings: then of many at once none slips past a limit. */
export const lockPerson = lockQuotaOfPerson;

/** @throws not_found */
export async function showQuota(name: string): Promise<QuotaView> {
  const row = await quotaOfName(name);
  if (!row) throw new AppError("not_found", `There is no namespace ${name}; check the name.`);
  return toView(row);
}

/** What an operator lets a namespace have. Who may: operators, and the hub's own command line. @throws unauthenticated, forbidden, not_found */
export async function setQuota(actor: Actor, name: string, change: QuotaChange): Promise<QuotaView> {
  if (actor.kind !== "hub") requireOperator(actor);
  const row = await quotaOfName(name);
  if (!row) throw new AppError("not_found", `There is no namespace ${name}; check the name.`);
  await inLockedTransaction(database(), async (transaction) => {
    await setLimits(transaction, row.namespaceId, change);
    await audit(transaction, actor, "quota.set", row.namespaceId, { ...change });
  });
  return showQuota(name);
}

function toView(row: QuotaRow): QuotaView {
  return {
    bytes: lineOf(row, "bytes"),
    files: lineOf(row, "files"),
    repos: lineOf(row, "repos"),
    jobs: null,
    deviceSeconds: null,
  };
}

function lineOf({ used, reserved, limits }: QuotaRow, quota: Grown): QuotaLine {
  return {
    used: used[quota],
    reserved: quota === "repos" ? 0 : reserved[quota],
    limit: limits[quota] ?? defaultOf(quota),
    isOwn: limits[quota] !== null,
  };
}

const defaultOf = (quota: QuotaName): number | null => env().quotas[quota];

import { requireOperator } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { HUB_NAMESPACE } from "#lib/catalog/hub-namespace.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { ownUse } from "#lib/queue/own-limits.ts";
import { showAmount } from "#lib/util/show-bytes.ts";
import { thousands } from "#lib/util/thousands.ts";
import {
  askDatabase,
  lockQuotaOfPerson,
  quotaOf,
  type QuotaKey,
  quotaOfName,
  type QuotaRow,
  setLimits,
} from "./repository.ts";
import { rerunUse } from "./rerun-use.ts";
import type { QuotaChange, QuotaLine, QuotaView } from "./schema.ts";

/** What rows of namespaces are counted by. */
type Counted = "bytes" | "files" | "repos";
const counted = ["bytes", "files", "repos"] as const satisfies readonly Counted[];

const words: Readonly<Record<Counted, { readonly show: (count: number) => string; readonly way: string }>> = {
  bytes: { show: showAmount, way: "Delete repos or abort uploads that are not needed" },
  files: { show: (count) => `${thousands(count)} files`, way: "Delete repos or abort uploads that are not needed" },
  repos: { show: (count) => `${thousands(count)} repos`, way: "Delete repos that are not needed" },
};

type Amounts = Partial<Readonly<Record<Counted, number>>>;

/**
 * Asked after the rows are written, in their transaction: they are counted by then, and nobody else counts anything of this namespace until
 * it ends. So of many at once exactly those get through for whom there is room.
 *
 * @param added what this transaction added; who is over a limit, since an operator lowered it, may still do what adds nothing
 * @throws quota_exceeded
 */
export async function requireWithinQuota(
  transaction: Transaction,
  actor: Actor,
  of: QuotaKey,
  added: Amounts,
): Promise<void> {
  if (actor.kind === "hub") return;
  const row = await quotaOf(transaction, of);
  const over = counted.find((quota) => (added[quota] ?? 0) > 0 && isOver(lineOf(row, quota)));
  if (over === undefined) return;
  const { used, reserved, limit } = lineOf(row, over);
  const more = added[over]!;
  const before = used + reserved - more;
  const { show, way } = words[over];
  throw new AppError(
    "quota_exceeded",
    `${row.name} has ${show(before)} of the ${show(limit!)} that it may have, with what unfinished uploads have announced, and this would be ${show(more)} more. ${way}, or ask an operator of this hub for more.`,
    { quota: over, namespace: row.name, used: before, more, limit },
  );
}

/** What a namespace has, to see later what was added. */
export async function holdings(transaction: Transaction, of: QuotaKey): Promise<Required<Amounts>> {
  const { used, reserved } = await quotaOf(transaction, of);
  return { bytes: used.bytes + reserved.bytes, files: used.files + reserved.files, repos: used.repos };
}

/** What was added since. */
export async function grownSince(before: Amounts, transaction: Transaction, of: QuotaKey): Promise<Amounts> {
  const now = await holdings(transaction, of);
  return Object.fromEntries(counted.map((quota) => [quota, now[quota] - (before[quota] ?? 0)]));
}

const isOver = ({ used, reserved, limit }: QuotaLine): boolean => limit !== null && used + reserved > limit;

/** Who begins something that is counted by the person waits for their own other beginnings: then of many at once none slips past a limit. */
export const lockPerson = lockQuotaOfPerson;

/** @throws not_found */
export const showQuota = async (name: string): Promise<QuotaView> => toView(await requireQuota(name));

async function requireQuota(name: string): Promise<QuotaRow> {
  const row = await quotaOfName(name);
  if (!row) throw new AppError("not_found", `There is no namespace ${name}; check the name.`);
  return row;
}

/** What a namespace has, as those see it who set it. */
export interface QuotaToSet {
  readonly name: string;
  readonly quota: QuotaView;
  /** What the configuration gives where nothing was set for this name; null: no limit. */
  readonly defaults: Readonly<Record<keyof QuotaView, number | null>>;
}

/** @throws unauthenticated, forbidden, not_found */
export async function quotaToSet(actor: Actor, name: string): Promise<QuotaToSet> {
  requireOperator(actor);
  const row = await requireQuota(name);
  const { quotas, rerunSeconds } = env();
  const defaults = isHub(row) ? { ...quotas, deviceSeconds: rerunSeconds } : quotas;
  return { name: row.name, quota: await toView(row), defaults };
}

/** What an operator lets a namespace have. Who may: operators, and the hub's own command line. @throws unauthenticated, forbidden, not_found */
export async function setQuota(actor: Actor, name: string, change: QuotaChange): Promise<QuotaView> {
  if (actor.kind !== "hub") requireOperator(actor);
  const { namespaceId } = await requireQuota(name);
  await inLockedTransaction(database(), async (transaction) => {
    await setLimits(transaction, namespaceId, change);
    await audit(transaction, actor, "quota.set", namespaceId, { ...change });
  });
  return showQuota(name);
}

async function toView(row: QuotaRow): Promise<QuotaView> {
  const own = row.userId === null ? null : await ownUse(askDatabase, row.userId);
  const deviceSeconds = isHub(row) ? await rerunUse() : own?.deviceSeconds;
  return {
    bytes: lineOf(row, "bytes"),
    files: lineOf(row, "files"),
    repos: lineOf(row, "repos"),
    jobs: own && { ...own.jobs, reserved: 0 },
    deviceSeconds: deviceSeconds
      ? { used: deviceSeconds.used, limit: deviceSeconds.limit, isOwn: deviceSeconds.isOwn, reserved: 0 }
      : null,
  };
}

/** It asks for nothing but to measure anew what has become old. */
const isHub = ({ name }: QuotaRow): boolean => name === HUB_NAMESPACE;

function lineOf({ used, reserved, limits }: QuotaRow, quota: Counted): QuotaLine {
  return {
    used: used[quota],
    reserved: quota === "repos" ? 0 : reserved[quota],
    limit: limits[quota] ?? defaultOf(quota),
    isOwn: limits[quota] !== null,
  };
}

const defaultOf = (quota: Counted): number | null => env().quotas[quota];

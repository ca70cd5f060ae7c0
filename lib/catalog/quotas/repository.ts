import { type Database, database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { QuotaChange } from "./schema.ts";

export interface QuotaRow {
  readonly namespaceId: string;
  readonly name: string;
  /** Of a person. */
  readonly userId: string | null;
  readonly used: { readonly bytes: number; readonly files: number; readonly repos: number };
  readonly reserved: { readonly bytes: number; readonly files: number };
  /** What an operator said; null: what the configuration says. */
  readonly limits: {
    readonly bytes: number | null;
    readonly files: number | null;
    readonly repos: number | null;
    readonly jobs: number | null;
    readonly deviceSeconds: number | null;
  };
}

const columns = {
  namespaceId: true,
  usedBytes: true,
  usedFiles: true,
  usedRepos: true,
  reservedBytes: true,
  reservedFiles: true,
  limitBytes: true,
  limitFiles: true,
  limitRepos: true,
  limitJobs: true,
  limitDeviceSeconds: true,
  namespace: { select: { name: true, userId: true } },
} as const;

const toRow = ({ namespaceId, namespace, ...row }: Prisma.QuotaGetPayload<{ select: typeof columns }>): QuotaRow => ({
  namespaceId,
  ...namespace,
  used: { bytes: Number(row.usedBytes), files: row.usedFiles, repos: row.usedRepos },
  reserved: { bytes: Number(row.reservedBytes), files: row.reservedFiles },
  limits: {
    bytes: row.limitBytes === null ? null : Number(row.limitBytes),
    files: row.limitFiles,
    repos: row.limitRepos,
    jobs: row.limitJobs,
    deviceSeconds: row.limitDeviceSeconds,
  },
});

/** Of a namespace, or of that in which a repo is. */
export type QuotaKey = { readonly namespaceId: string } | { readonly repoId: string };

export async function quotaOf(client: Database | Transaction, key: QuotaKey): Promise<QuotaRow> {
  const where = "repoId" in key ? { namespace: { repos: { some: { id: key.repoId } } } } : key;
  return toRow(await client.quota.findFirstOrThrow({ where, select: columns }));
}

export async function quotaOfName(name: string): Promise<QuotaRow | null> {
  const row = await database().quota.findFirst({
    where: { namespace: { nameKey: name.toLowerCase() } },
    select: columns,
  });
  return row && toRow(row);
}

/** Whoever else counts something of this person waits until the transaction ends. */
export async function lockQuotaOfPerson(transaction: Transaction, userId: string): Promise<void> {
  await transaction.$queryRaw`
    SELECT FROM quota WHERE namespace_id = (SELECT id FROM namespace WHERE user_id = ${userId}) FOR NO KEY UPDATE`;
}

export async function setLimits(transaction: Transaction, namespaceId: string, change: QuotaChange): Promise<void> {
  const { bytes, files, repos, jobs, deviceSeconds } = change;
  await transaction.quota.update({
    where: { namespaceId },
    data: {
      ...(bytes !== undefined && { limitBytes: bytes }),
      ...(files !== undefined && { limitFiles: files }),
      ...(repos !== undefined && { limitRepos: repos }),
      ...(jobs !== undefined && { limitJobs: jobs }),
      ...(deviceSeconds !== undefined && { limitDeviceSeconds: deviceSeconds }),
    },
    select: { namespaceId: true },
  });
}

/** For questions that another part puts. */
export const askDatabase = <Row>(sql: string, values: readonly unknown[]): Promise<Row[]> =>
  database().$queryRawUnsafe<Row[]>(sql, ...values);

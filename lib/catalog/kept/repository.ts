import { database } from "#lib/db/client.ts";

/**
 * What a model does by itself in a measurement, in pieces that lie in the object store and that all guides on the same unit share; and the
 * states that a base draws for a distillation, under the id of that.
 */

export interface KeptPiece {
  readonly name: string;
  readonly storageKey: string;
  readonly sha256: string;
  readonly size: bigint;
}

const columns = { name: true, storageKey: true, sha256: true, size: true } as const;

const MOST_PIECES = 10_000; // a hub that keeps more of one unit has workers that draw the rest again

/** Of a unit, the newest first, so many bytes of them. */
export async function piecesOf(unitHash: string, mostBytes: number): Promise<KeptPiece[]> {
  const rows = await database().keptPiece.findMany({
    where: { unitHash },
    orderBy: { createdAt: "desc" },
    take: MOST_PIECES,
    select: columns,
  });
  let bytes = 0;
  return rows.filter(({ size }) => (bytes += Number(size)) <= mostBytes);
}

/** @returns false where another worker has kept the same piece meanwhile */
export async function insertPiece(unitHash: string, piece: KeptPiece): Promise<boolean> {
  const { count } = await database().keptPiece.createMany({ data: { unitHash, ...piece }, skipDuplicates: true });
  return count === 1;
}

/** Somebody measures on the unit; said once an hour at most. */
export async function touchPieces(unitHash: string): Promise<void> {
  await database()
    .$executeRaw`UPDATE kept_piece SET used_at = now() WHERE unit_hash = ${unitHash} AND used_at < now() - interval '1 hour'`;
}

export async function bytesKept(): Promise<number> {
  const { _sum } = await database().keptPiece.aggregate({ _sum: { size: true } });
  return Number(_sum.size ?? 0);
}

/** Those of units that no measurement of a commit is of any more, of distillations that do not go on, and those that were not used for long: their keys, and they are gone. */
export async function deleteUnused(usedBefore: Date, limit: number): Promise<string[]> {
  const rows = await database().$queryRaw<{ key: string }[]>`
    DELETE FROM kept_piece WHERE (unit_hash, name) IN (
      SELECT k.unit_hash, k.name FROM kept_piece k WHERE k.used_at < ${usedBefore}
        OR NOT (EXISTS (SELECT FROM pair p WHERE p.unit_hash = k.unit_hash AND p.finetune_commit_id IS NOT NULL)
          OR EXISTS (SELECT FROM distillation d WHERE d.id::text = k.unit_hash AND (d.state IN ('queued', 'running', 'failed') OR d.paused_at IS NOT NULL)))
      LIMIT ${limit}) RETURNING storage_key AS key`;
  return rows.map(({ key }) => key);
}

/** So many of those that were not used for longest, whole units together. */
export async function deleteOldest(bytes: number, limit: number): Promise<string[]> {
  const rows = await database().$queryRaw<{ key: string }[]>`
    DELETE FROM kept_piece WHERE (unit_hash, name) IN (
      SELECT unit_hash, name FROM (
        SELECT unit_hash, name, sum(size) OVER (ORDER BY used_at, unit_hash, created_at, name) - size AS before FROM kept_piece) oldest
      WHERE before < ${bytes} ORDER BY before LIMIT ${limit}) RETURNING storage_key AS key`;
  return rows.map(({ key }) => key);
}

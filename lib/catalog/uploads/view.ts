import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { arrivedParts, partCountOf } from "./parts.ts";
import type { UploadRow } from "./repository.ts";
import type { UploadItem, UploadView } from "./schema.ts";

export async function toView(row: UploadRow): Promise<UploadView> {
  const isHashing = row.state === "hashing";
  const [arrived, queue, progress] = await Promise.all([
    arrivedParts(row),
    isHashing ? queuePosition("hash", row.id) : null,
    progressOf("hash", isHashing ? [row.id] : []),
  ]);
  return { ...toItem(row, progress.get(row.id)), arrived, queue };
}

export const toItem = (row: UploadRow, progress: unknown): UploadItem => ({
  id: row.id,
  path: row.path,
  state: row.state,
  size: row.size,
  sha256: row.blobSha256 ?? row.declaredSha256,
  partSize: row.partSize,
  partCount: partCountOf(row),
  problem: row.problem,
  progress:
    row.state === "hashing" ? ((progress as UploadItem["progress"] | undefined) ?? { done: 0, total: row.size }) : null,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

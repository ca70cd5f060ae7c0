import { objectStore } from "#lib/storage/open-store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { isArriving } from "./own.ts";
import { findUpload, setStorageId, type UploadRow } from "./repository.ts";

/** The store is told of an upload after its row is there: what the store has and no row names, a crash left behind. */
export async function withMultipart(row: UploadRow): Promise<UploadRow> {
  if (row.storageId !== null || row.size === 0 || !isArriving(row)) return row;
  const storageId = await objectStore().beginMultipart(row.storageKey);
  failpoint("upload.multipart");
  if (await setStorageId(row.id, storageId)) return { ...row, storageId };
  await objectStore().abortMultipart(row.storageKey, storageId);
  return (await findUpload(row.id)) ?? row;
}

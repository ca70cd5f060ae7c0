import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import type { Claim } from "#lib/queue/claim.ts";

/** Where work of hours goes on when its worker was lost or stopped. It lies in the object store, and goes with its job. */
export interface Checkpoint {
  /** What the last attempt left; null where nothing. */
  read(): Promise<Uint8Array | null>;
  /** Instead of the one before. The bytes come before the row that names them. @throws cancelled when another attempt has begun */
  write(bytes: Uint8Array): Promise<void>;
}

export function checkpointOf({
  id,
  attempt,
  checkpointKey,
}: Pick<Claim, "id" | "attempt" | "checkpointKey">): Checkpoint {
  let key = checkpointKey;
  return {
    async read() {
      if (key === null) return null;
      const chunks: Uint8Array[] = [];
      for await (const chunk of await objectStore().read(key)) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    },
    async write(bytes) {
      const [before, next] = [key, newObjectKey()];
      await objectStore().put(next, bytes);
      const count = await database()
        .$executeRaw`UPDATE job SET checkpoint_key = ${next} WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running'`;
      if (count === 0) {
        await objectStore().delete(next);
        throw new AppError("cancelled", "Another worker goes on with this; nothing was written.");
      }
      key = next;
      if (before !== null) await objectStore().delete(before);
    },
  };
}

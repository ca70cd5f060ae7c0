import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { database } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";

/** Waits until this process hears what the database tells, and whoever watches was told that it began to listen. */
export async function untilListening(): Promise<void> {
  const id = randomUUID();
  let told = 0;
  const unwatch = watch(id, () => told++);
  try {
    await expect
      .poll(async () => {
        await database().$queryRaw`SELECT pg_notify('guidepost', ${id})::text`;
        return told;
      })
      .toBeGreaterThan(0);
  } finally {
    unwatch();
  }
}

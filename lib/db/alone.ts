import { log } from "#lib/log.ts";
import { boundedClient } from "./bounded-client.ts";
import { requireDirectUrl } from "./client.ts";

/** What only one process of a hub does at a time. The numbers are those of the locks. */
export const sharedWork = { sweep: 4201 } as const;

/** Its questions are answered at once, or by nobody. */
const ANSWER_MS = 10_000;

/**
 * Runs `work` unless a process on any machine is at it; then null, at once. The lock goes with its connection: who is killed lets go.
 * So does who loses it, and another may begin before `work` is at its end: each of its steps must bear that.
 */
export async function alone<T>(what: keyof typeof sharedWork, work: () => Promise<T>): Promise<T | null> {
  const client = new (boundedClient(requireDirectUrl(), ANSWER_MS))({
    application_name: `guidepost ${what}`,
    connectionTimeoutMillis: 5_000,
  });
  client.on("error", (cause) => log().warn({ event: "lock.lost", what, err: cause }, cause.message)); // else it would end the process
  await client.connect();
  try {
    const { rows } = await client.query<{ free: boolean }>("SELECT pg_try_advisory_lock($1) AS free", [
      sharedWork[what],
    ]);
    return rows[0]!.free ? await work() : null;
  } finally {
    await client.end().catch(() => {}); // lost, then
  }
}

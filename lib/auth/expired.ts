import { database } from "#lib/db/client.ts";

/** Removes what time has ended and nothing shows any more: sessions, invitations, counted attempts. For the sweeper. */
export async function forgetExpired(now: Date): Promise<void> {
  await database().session.deleteMany({ where: { expiresAt: { lt: now } } });
  await database().verification.deleteMany({ where: { expiresAt: { lt: now } } });
  await database().throttle.deleteMany({ where: { resetsAt: { lt: now } } });
}

import { database } from "#lib/db/client.ts";

/** Removes what time has ended and nothing shows any more: sessions, invitations, counted attempts. For the sweeper. @returns how many */
export async function forgetExpired(): Promise<number> {
  const ended = { lt: new Date() };
  const [sessions, invitations, attempts] = await Promise.all([
    database().session.deleteMany({ where: { expiresAt: ended } }),
    database().verification.deleteMany({ where: { expiresAt: ended } }),
    database().throttle.deleteMany({ where: { resetsAt: ended } }),
  ]);
  return sessions.count + invitations.count + attempts.count;
}

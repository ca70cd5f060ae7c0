import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { requireSession } from "./access.ts";
import type { Actor } from "./actor.ts";
import { auth } from "./better-auth.ts";
import { requireStrong } from "./password-strength.ts";
import { getProfile } from "./person.ts";
import { openSession } from "./session.ts";
import { countAttempts, forgiveAll } from "./throttle.ts";

export const hashPassword = async (password: string): Promise<string> =>
  (await auth().$context).password.hash(password);

export interface PasswordChange {
  readonly current: string;
  readonly new: string;
  /** Whether the person's access tokens end as well. */
  readonly revokeTokens: boolean;
}

/** Ends every session of the person, on all their machines, and begins one here. @returns its cookies @throws bad_request, rate_limited */
export async function changePassword(actor: Actor, change: PasswordChange, headers: Headers): Promise<Headers> {
  const person = requireSession(actor);
  const { password } = await auth().$context;
  // By the session: whoever has stolen one keeps nobody else from changing the password.
  const attempt = {
    of: "current password in a session",
    who: (await auth().api.readSession({ headers })) ?? "",
  } as const;
  await countAttempts([attempt]);
  const account = { userId: person.userId, providerId: "credential" };
  const kept = await database().account.findFirst({ where: account, select: { password: true } });
  if (!kept?.password || !(await password.verify({ hash: kept.password, password: change.current })))
    throw new AppError("bad_request", "The current password is not right; write it again.", { field: "current" });
  await forgiveAll(attempt);
  const { name, email } = await getProfile(person);
  await requireStrong(change.new, { username: person.name, email, name }, "new");
  const hash = await password.hash(change.new);
  await inTransaction(database(), async (transaction) => {
    await transaction.account.updateMany({ where: account, data: { password: hash } });
    await transaction.session.deleteMany({ where: { userId: person.userId } });
    if (change.revokeTokens) await transaction.apikey.deleteMany({ where: { referenceId: person.userId } });
    await audit(transaction, person, "password.change", person.userId, { revokedTokens: change.revokeTokens });
  });
  // Whoever was signing in with the old password meanwhile; who is later finds another hash than they came in with.
  await database().session.deleteMany({ where: { userId: person.userId } });
  return openSession(person.userId, hash, headers);
}

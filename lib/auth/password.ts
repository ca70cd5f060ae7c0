import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { requireSession } from "./access.ts";
import type { Actor } from "./actor.ts";
import { auth } from "./better-auth.ts";
import { openSession } from "./session.ts";
import { addressOf, type Attempt, countAttempts, forgiveAll, forgiveAttempt } from "./throttle.ts";

export const hashPassword = async (password: string): Promise<string> =>
  (await auth().$context).password.hash(password);

/** Ends every session of the person, on all their machines, and begins one here. @returns its cookies @throws bad_request, rate_limited */
export async function changePassword(
  actor: Actor,
  change: { current: string; new: string },
  headers: Headers,
): Promise<Headers> {
  const person = requireSession(actor);
  const attempts = passwordAttempts(person.userId, headers);
  await countAttempts(attempts);
  const { password } = await auth().$context;
  const account = { userId: person.userId, providerId: "credential" };
  const kept = await database().account.findFirst({ where: account, select: { password: true } });
  if (!kept?.password || !(await password.verify({ hash: kept.password, password: change.current })))
    throw new AppError("bad_request", "The current password is not right; write it again.", { field: "current" });
  await passwordWasRight(attempts);
  const hash = await password.hash(change.new);
  await inTransaction(database(), async (transaction) => {
    await transaction.account.updateMany({ where: account, data: { password: hash } });
    await transaction.session.deleteMany({ where: { userId: person.userId } });
    await audit(transaction, person, "password.change", person.userId);
  });
  return openSession(person.userId, headers);
}

/** One attempt at the password of an account: a person's id, or what was written instead of a name that exists. */
export const passwordAttempts = (account: string, headers: Headers): [Attempt, Attempt] => [
  { of: "password of an account", who: account },
  { of: "password from an address", who: addressOf(headers) },
];

export async function passwordWasRight([ofAccount, fromAddress]: [Attempt, Attempt]): Promise<void> {
  await forgiveAll(ofAccount);
  await forgiveAttempt(fromAddress);
}

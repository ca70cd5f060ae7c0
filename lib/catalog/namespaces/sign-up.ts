import { requireAdmission, takeInvitation } from "#lib/auth/invitations.ts";
import { hashPassword } from "#lib/auth/password.ts";
import { requireStrong } from "#lib/auth/password-strength.ts";
import { insertPerson } from "#lib/auth/person.ts";
import { openSession } from "#lib/auth/session.ts";
import { addressOf, countAttempts } from "#lib/auth/throttle.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { AppError } from "#lib/errors.ts";
import { insertNamespace } from "./repository.ts";
import type { NewAccount } from "./schema.ts";
import { nameTaken, requireOthersName } from "./service.ts";

/**
 * Makes a person, their namespace and their password, uses their invitation up, and signs them in. All of it or nothing; who is
 * cut off before the session begins signs in. @returns the cookies for the answer @throws forbidden, conflict, rate_limited
 */
export async function signUp(
  { username, name, email, password, invitation }: NewAccount,
  headers: Headers,
): Promise<Headers> {
  await countAttempts([{ of: "sign-up from an address", who: addressOf(headers) }]);
  requireAddressee(email, await requireAdmission(invitation ?? null)); // again below; here so that strangers cannot have us hash
  requireOthersName(username, "username");
  await requireStrong(password, { username, email, name: name ?? "" }, "password");
  const passwordHash = await hashPassword(password);
  const userId = await inTransaction(database(), async (transaction) => {
    const admission = await takeInvitation(transaction, invitation ?? null);
    requireAddressee(email, admission);
    const id = await insertPerson(transaction, {
      name: name || username,
      email,
      passwordHash,
      isOperator: admission.isOperator,
    });
    await insertNamespace(transaction, { name: username, displayName: null, userId: id });
    await audit(transaction, { kind: "person", userId: id }, "account.create", id, {
      invitation: admission.invitationId,
      operator: admission.isOperator,
    });
    return id;
  }).catch((cause: unknown) => Promise.reject(nameTaken(emailTaken(cause), username, "username")));
  return openSession(userId, passwordHash, headers);
}

function requireAddressee(email: string, admission: { readonly email: string | null }): void {
  if (admission.email === null || admission.email === email) return;
  throw new AppError("forbidden", "This invitation is for another e-mail address; use the one that it was sent to.", {
    field: "email",
  });
}

const emailTaken = (cause: unknown): unknown =>
  violatedRule(cause) === "app_user_email_key"
    ? new AppError(
        "conflict",
        "There is an account with this e-mail address; sign in instead.",
        { field: "email" },
        cause,
      )
    : cause;

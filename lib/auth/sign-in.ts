import { isAPIError } from "better-auth/api";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { auth } from "./better-auth.ts";
import { passwordAttempts, passwordWasRight } from "./password.ts";
import { agentOf, cookiesOf } from "./session.ts";
import { countAttempts } from "./throttle.ts";

/** One of the two names of an account, and its password. */
export interface Credentials {
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly password: string;
}

/**
 * Begins a session, by e-mail address or else by username. An account that does not exist costs the same hash and gets the same
 * answer as a wrong password. `cookies` are for the answer. @throws unauthenticated, rate_limited
 */
export async function signIn(
  { email, username = "", password }: Credentials,
  headers: Headers,
): Promise<{ username: string; cookies: Headers }> {
  const nameKey = username.toLowerCase();
  const person = await database().user.findFirst({
    where: email === undefined ? { namespace: { nameKey } } : { email },
    select: { id: true, email: true, namespace: { select: { name: true } } },
  });
  const attempts = passwordAttempts(person?.id ?? email ?? nameKey, headers);
  await countAttempts(attempts);
  try {
    const body = { email: person?.email ?? "nobody@example.invalid", password };
    const { headers: set } = await auth().api.signInEmail({ body, headers: agentOf(headers), returnHeaders: true });
    await passwordWasRight(attempts);
    return { username: person?.namespace?.name ?? username, cookies: cookiesOf(set) };
  } catch (cause) {
    if (!isAPIError(cause) || cause.statusCode !== 401) throw cause;
    throw new AppError(
      "unauthenticated",
      "The name or the password is not right; write both again, or ask an operator of this hub.",
    );
  }
}

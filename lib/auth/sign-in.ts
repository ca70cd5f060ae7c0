import { randomUUID } from "node:crypto";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { AppError } from "#lib/errors.ts";
import { auth } from "./better-auth.ts";
import { type DeviceOwner, knownDevice } from "./device.ts";
import { openSession } from "./session.ts";
import { addressOf, type Attempt, countAttempts, forgiveAll, forgiveAttempt } from "./throttle.ts";

/** One of the two names of an account, and its password. */
export interface Credentials {
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly password: string;
}

/**
 * Begins a session, by e-mail address or else by username. An account that does not exist costs the same question and the same hash, and
 * gets the same answer as a wrong password. `cookies` are for the answer. @throws unauthenticated, rate_limited
 */
export async function signIn(
  { email, username = "", password }: Credentials,
  headers: Headers,
): Promise<{ username: string; cookies: Headers }> {
  const nameKey = username.toLowerCase();
  const found = await findAccount(email === undefined ? { nameKey } : { email });
  const attempts = attemptsOf(found?.userId ?? email ?? nameKey, found, headers);
  await countAttempts(attempts);
  const { password: hashes } = await auth().$context;
  const nobodys = await nobodysHash();
  const isRight = await hashes.verify({ hash: found?.passwordHash ?? nobodys, password });
  if (found === null || !isRight)
    throw new AppError(
      "unauthenticated",
      "The name or the password is not right; write both again, or ask an operator of this hub.",
    );
  const cookies = await openSession(found.userId, found.passwordHash, headers);
  await forgiveAll(attempts[0]!);
  for (const attempt of attempts.slice(1)) await forgiveAttempt(attempt);
  return { username: found.name, cookies };
}

interface Account extends DeviceOwner {
  readonly name: string;
}

async function findAccount(by: { readonly email: string } | { readonly nameKey: string }): Promise<Account | null> {
  const [row] = await database().$queryRaw<Account[]>`
    SELECT u.id AS "userId", n.name, a.password AS "passwordHash" FROM app_user u JOIN namespace n ON n.user_id = u.id
    JOIN account a ON a.user_id = u.id AND a.provider_id = 'credential' AND a.password IS NOT NULL
    WHERE ${"email" in by ? Prisma.sql`u.email = ${by.email}` : Prisma.sql`n.name_key = ${by.nameKey}`}`;
  return row ?? null;
}

let kept: Promise<string> | undefined;

/** What the password of nobody is held against; made before anybody's is, so that making it tells nothing. */
const nobodysHash = (): Promise<string> =>
  (kept ??= auth().$context.then(({ password }) => password.hash(randomUUID())));

/** `account`: a person's id, or what was written instead of a name that exists. A device that the account knows is counted for itself. */
function attemptsOf(account: string, owner: DeviceOwner | null, headers: Headers): Attempt[] {
  const device = knownDevice(headers, owner);
  if (device !== null) return [{ of: "password from a known device", who: device }];
  const address = addressOf(headers);
  return [
    { of: "password of an account from an address", who: JSON.stringify([account, address]) },
    { of: "password of an account", who: account },
    { of: "password from an address", who: address },
  ];
}

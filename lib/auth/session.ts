import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { type Person, scopes } from "./actor.ts";
import { auth } from "./better-auth.ts";
import { deviceCookie } from "./device.ts";
import { personColumns, toPerson } from "./person.ts";

/** Who the session cookie names; null without one, or when the session has ended or its person is gone. */
export async function personOfSession(headers: Headers): Promise<Person | null> {
  if (!headers.has("cookie")) return null;
  const token = await auth().api.readSession({ headers });
  if (token === null) return null;
  return personOf({ token });
}

/** The same by its id, for what goes on after its request. */
export const personOfSessionId = (id: string): Promise<Person | null> => personOf({ id });

async function personOf(where: { readonly token: string } | { readonly id: string }): Promise<Person | null> {
  const session = await database().session.findUnique({
    where: { ...where, expiresAt: { gt: new Date() } },
    select: { id: true, user: { select: personColumns } },
  });
  return session && toPerson(session.user, { scopes: new Set(scopes), tokenId: null, sessionId: session.id });
}

/**
 * Begins a session of who has just shown or chosen the password of this hash. One that was changed meanwhile has ended all sessions, and
 * this would be one more. @returns the cookies for the answer
 */
export async function openSession(userId: string, passwordHash: string, headers: Headers): Promise<Headers> {
  const { headers: set, response: token } = await auth().api.openSession({
    body: { userId },
    headers: agentOf(headers),
    returnHeaders: true,
  });
  if (token === null)
    throw new AppError("unauthenticated", "This account is gone; ask an operator of this hub for an invitation.");
  const account = { userId, providerId: "credential", password: passwordHash };
  if ((await database().account.count({ where: account })) === 0) {
    await database().session.deleteMany({ where: { token } });
    throw new AppError("unauthenticated", "The password was changed meanwhile; sign in with the new one.");
  }
  const cookies = cookiesOf(set);
  cookies.append("Set-Cookie", deviceCookie(headers, { userId, passwordHash }));
  return cookies;
}

/** Ends the session of the cookie, at once and everywhere. @returns the cookies for the answer */
export async function closeSession(headers: Headers): Promise<Headers> {
  const { headers: set } = await auth().api.closeSession({ headers, returnHeaders: true });
  return cookiesOf(set);
}

/** What a session keeps of a request: what it was made with, shortened. */
export const agentOf = (headers: Headers): Headers =>
  new Headers({ "user-agent": headers.get("user-agent")?.slice(0, 300) ?? "" });

export const cookiesOf = (answer: Headers): Headers =>
  new Headers(answer.getSetCookie().map((cookie) => ["Set-Cookie", cookie]));

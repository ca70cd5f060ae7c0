import { AppError } from "#lib/errors.ts";
import { type Actor, anonymous } from "./actor.ts";
import { personOfSession } from "./session.ts";
import { personOfToken } from "./token.ts";

/**
 * Who is asking: by an access token, else by the session cookie, else nobody. A bad token is refused, also beside a good cookie;
 * a cookie that has ended is nobody. @throws unauthenticated
 */
export async function actorOf(headers: Headers): Promise<Actor> {
  const authorization = headers.get("authorization");
  if (authorization === null) return (await personOfSession(headers)) ?? anonymous;
  const secret = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1];
  const person = secret ? await personOfToken(secret) : null;
  if (person) return person;
  // Hub clients look for the first five words.
  throw new AppError(
    "unauthenticated",
    "Invalid credentials in Authorization header: no such access token, or it was deleted or has expired; make one in your settings and send it as “Authorization: Bearer hf_…”.",
  );
}

import { headers } from "next/headers.js";
import { redirect } from "next/navigation.js";
import { cache } from "react";
import { type Actor, anonymous, type Person } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { AppError } from "#lib/errors.ts";

/** Who looks at this page; asked once in a request. A page is for browsers: to one that sends a bad token it shows what everybody may see. */
export const currentActor = cache(async (): Promise<Actor> =>
  actorOf(await headers()).catch((cause: unknown) => {
    if (cause instanceof AppError && cause.code === "unauthenticated") return anonymous;
    throw cause;
  }),
);

/** Who has signed in with a password, for a page that a token does not open; everybody else signs in first and comes back to it. */
export async function signedInPerson(page: string): Promise<Person> {
  const actor = await currentActor();
  if (actor.kind === "person" && actor.tokenId === null) return actor;
  return redirect(`/sign-in?next=${encodeURIComponent(page).replaceAll("%2F", "/")}`);
}

import { headers } from "next/headers.js";
import { cache } from "react";
import { type Actor, anonymous } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { AppError } from "#lib/errors.ts";

/** Who looks at this page; asked once in a request. A page is for browsers: to one that sends a bad token it shows what everybody may see. */
export const currentActor = cache(async (): Promise<Actor> =>
  actorOf(await headers()).catch((cause: unknown) => {
    if (cause instanceof AppError && cause.code === "unauthenticated") return anonymous;
    throw cause;
  }),
);

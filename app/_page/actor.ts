import { headers } from "next/headers.js";
import { cache } from "react";
import type { Actor } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";

/** Who looks at this page; asked once in a request. */
export const currentActor = cache(async (): Promise<Actor> => actorOf(await headers()));

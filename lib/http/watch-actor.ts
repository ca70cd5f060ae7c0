import { isDeepStrictEqual } from "node:util";
import type { Actor } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { AppError } from "#lib/errors.ts";

/** What somebody sees for as long as a connection lives ends within a minute of when they may not see it any more. */
const LOOK_EVERY_MS = 20_000;

/**
 * Asks again and again who a request comes from, and says when it is not who it was: signed out, a token that was deleted, an operator who
 * is none any more. While the database is away nobody knows better. @returns what ends the watch
 */
export function watchActor(
  actor: Actor,
  headers: Headers,
  ended: () => void,
  lookEveryMs: number = LOOK_EVERY_MS,
): () => void {
  if (actor.kind !== "person") return () => {};
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    if (!(await isStill(actor, headers))) return ended();
    if (timer !== undefined) watch();
  };
  const watch = (): void => void (timer = setTimeout(look, lookEveryMs).unref());
  watch();
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
}

async function isStill(actor: Actor, headers: Headers): Promise<boolean> {
  try {
    return isDeepStrictEqual(await actorOf(headers), actor);
  } catch (cause) {
    return !(cause instanceof AppError && cause.code === "unauthenticated");
  }
}

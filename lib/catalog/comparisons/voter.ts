import { createHmac } from "node:crypto";
import { requirePerson } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { env, requireSecret } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";

/** Who looks at two pictures, and from where they ask: an address is all that is known of somebody who is not signed in. */
export interface Viewer {
  readonly actor: Actor;
  readonly address: string;
}

declare const mayAnswer: unique symbol;

/** Somebody whose answer counts, once for each prompt: the permission is in the type. */
export interface Voter {
  readonly userId: string | null;
  /** Of somebody who is not signed in; no address can be read from it, nor asked for without the secret. */
  readonly addressKey: string | null;
  readonly [mayAnswer]: true;
}

/** @throws forbidden for who is not signed in, where the operator takes no such answers; or with a token without the scope run */
export function requireVoter({ actor, address }: Viewer): Voter {
  if (actor.kind !== "anonymous" && actor.kind !== "hub")
    return { userId: requirePerson(actor, "run").userId, addressKey: null } as Voter;
  if (actor.kind === "anonymous" && env().answers === "anybody")
    return { userId: null, addressKey: keyed("whose answer", address) } as Voter;
  throw new AppError("forbidden", "On this hub only people who are signed in are asked; sign in to answer.");
}

/** What only this hub can know, of some words: the same each time, and nobody without the secret can tell it. */
export const keyed = (...words: readonly string[]): string =>
  createHmac("sha256", requireSecret())
    .update(["guidepost: can you tell", ...words].join("\0"))
    .digest("hex");

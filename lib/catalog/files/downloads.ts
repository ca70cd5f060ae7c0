import { createHmac } from "node:crypto";
import type { ReadableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { env } from "#lib/env.ts";
import { countDownload } from "./repository.ts";

/** Who downloads: a person, or somebody in a network. */
export interface Visitor {
  readonly actor: Actor;
  /** Not the whole address: who has one has many beside it. */
  readonly network: string;
}

// Enough for an office or a class behind one address, and no more than that for a loop.
const FROM_A_NETWORK = { inRepo: 5, overAll: 100 };

/** What is counted: the weights. Pictures and cards are shown by pages, and configs are read by whoever looks. */
export const isCounted = (path: string): boolean => /\.safetensors$/i.test(path);

// What this process has counted today; most who come again are answered from here.
const counted = { day: "", visitors: new Set<string>() };
const MAX_REMEMBERED = 100_000; // of 100 bytes or so each

/**
 * Counts a download: once for each repo, day and person, or network where nobody is signed in; not of whoever it belongs to. Visitors
 * and networks are kept as keyed hashes and only for the day.
 */
export async function noteDownload(repo: ReadableRepo, { actor, network }: Visitor): Promise<void> {
  const { secret } = env();
  if (secret === null) return;
  const day = new Date().toISOString().slice(0, 10);
  const keyed = (...words: readonly string[]): string =>
    createHmac("sha256", secret)
      .update(JSON.stringify(["download", day, ...words]))
      .digest("hex");
  const userId = actor.kind === "person" ? actor.userId : null;
  const visitor = userId === null ? keyed("network", network, repo.id) : keyed("person", userId, repo.id);
  if (counted.day !== day || counted.visitors.size >= MAX_REMEMBERED)
    Object.assign(counted, { day, visitors: new Set() });
  if (counted.visitors.has(visitor)) return;
  await countDownload(repo.id, userId, day, visitor, [
    { network: keyed("at", network, repo.id), cap: FROM_A_NETWORK.inRepo },
    { network: keyed("over all", network), cap: FROM_A_NETWORK.overAll },
  ]);
  counted.visitors.add(visitor);
}

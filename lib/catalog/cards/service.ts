import { requireRead, type WritableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { getBlob, readBeginning } from "#lib/catalog/blobs/service.ts";
import { toRepoName } from "#lib/catalog/repos/schema.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { Recent } from "#lib/util/recent.ts";
import { factsOf, MAX_CARD_BYTES, parseCard, type CardFacts } from "./front-matter.ts";
import { readColumns, writeColumns } from "./repository.ts";
import type { Card } from "./schema.ts";

/** The file that is the card of a commit. */
export const CARD_PATH = "README.md";

/** What a commit is to change of its repo. */
export interface CardChange extends CardFacts {
  readonly frontMatter: Card["frontMatter"];
  readonly baseId: string | null;
}

// Of the pages that were looked at last, so that a page asks nothing of the store. What lies under a key never changes.
const kept = new Recent<Card>(100); // of some KiB each; 25 MiB if all were as long as they may be

export function readCard(file: { readonly size: number; readonly storageKey: string }): Promise<Card> {
  return kept.get(file.storageKey, async () => parseCard(await readBeginning(file, MAX_CARD_BYTES + 1)));
}

/** The card for a page that has more to show: while the store is away, it says so. */
export async function showCard(file: Parameters<typeof readCard>[0]): Promise<Card> {
  try {
    return await readCard(file);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "storage_unavailable") throw cause;
    return { frontMatter: {}, text: "", isCut: false, warnings: [`${CARD_PATH} cannot be read now: ${cause.message}`] };
  }
}

/** What the card with this content says, its base found where the actor may see it; null for a card that is deleted. */
export async function planCard(actor: Actor, repo: WritableRepo, sha256: string | null): Promise<CardChange> {
  const card = sha256 === null ? parseCard(new Uint8Array()) : await readCard(await getBlob(sha256));
  const facts = factsOf(card);
  return {
    ...facts,
    frontMatter: card.frontMatter,
    baseId: repo.kind !== "base" && facts.base ? await findBase(actor, facts.base) : null,
  };
}

/**
 * The card has its say. What it does not say stays as it is, unless it was the card before that said it.
 * @returns whether the repo says now that it was made from another base
 */
export async function applyCard(
  transaction: Transaction,
  repoId: string,
  change: CardChange,
): Promise<{ readonly hasOtherBase: boolean }> {
  const { card: before, baseId: baseBefore } = await readColumns(transaction, repoId);
  const said = (name: string): boolean => Object.hasOwn(before as object, name);
  const baseId = change.baseId !== null || said("base_model") ? change.baseId : baseBefore;
  await writeColumns(transaction, repoId, {
    card: change.frontMatter as Prisma.JsonObject,
    ...(change.summary !== null && { summary: change.summary }),
    ...((change.license !== null || said("license")) && { license: change.license }),
    ...((change.tags !== null || said("tags")) && { tags: [...(change.tags ?? [])] }),
    baseId,
  });
  return { hasOtherBase: baseId !== baseBefore };
}

async function findBase(actor: Actor, fullName: string): Promise<string | null> {
  try {
    const base = await requireRead(actor, toRepoName(fullName));
    return base.kind === "base" ? base.id : null;
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "repo_not_found") return null;
    throw cause;
  }
}

import { can } from "#lib/catalog/kinds.ts";
import { requireRead, type WritableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { type BlobRow, getBlob, readBeginning } from "#lib/catalog/blobs/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { type NotRead, shownInTime } from "#lib/catalog/shown-in-time.ts";
import { type CardFacts, factsOf } from "./facts.ts";
import { beginReading, isLaidOut, type Markdown, type MarkdownReading, type MarkdownText } from "./read-markdown.ts";
import { findCard, findMarkdown, findSaid, keepMarkdown, readColumns, writeColumns } from "./repository.ts";
import type { Card } from "./schema.ts";
import { MAX_MARKDOWN_BYTES } from "./split.ts";

/** The file that is the card of a commit. */
export const CARD_PATH = "README.md";

/** What a commit is to change of its repo. */
export interface CardChange extends CardFacts {
  readonly frontMatter: Card["frontMatter"];
  readonly baseId: string | null;
}

type StoredFile = Pick<BlobRow, "sha256" | "size" | "storageKey">;

const underway = new Map<string, MarkdownReading>();

/** Reads a file of Markdown once for all who ask, and keeps what was read: first its text, and then what it looks like. */
function readOnce(file: StoredFile, who: string): MarkdownReading {
  const { sha256 } = file;
  const before = underway.get(sha256);
  if (before) return before;
  const begun = readBeginning(file, MAX_MARKDOWN_BYTES + 1).then((bytes) => beginReading(bytes, who));
  const keep = async <Read extends MarkdownText>(read: Read): Promise<Read> => {
    await keepMarkdown(sha256, read);
    return read;
  };
  const text = begun.then((reading) => reading.text).then(keep);
  const whole = text
    .then(async () => (await begun).whole)
    .then(keep)
    .finally(() => underway.delete(sha256));
  const reading = { text, whole };
  for (const part of Object.values(reading)) part.catch(() => {}); // as in what it waits for
  underway.set(sha256, reading);
  return reading;
}

/**
 * What a card says, as it was read before, else read now. It is laid out behind that, or, where there is no time for it, when somebody
 * looks: a text that takes all the time it may keeps no commit.
 * @throws storage_unavailable, queue_full, rate_limited
 */
const readSaid = async (file: StoredFile, who: string): Promise<Pick<Markdown, "frontMatter" | "facts">> =>
  (await findSaid(file.sha256)) ?? readOnce(file, who).text;

/** What a page shows of a file of Markdown: a page waits neither for the store nor for the reader. */
export type ShownMarkdown = (Markdown & { readonly isRead: true }) | NotRead;

const BEING_READ = "The hub reads this text for the first time; it is here in a few seconds.";

/** Where it is not laid out yet, as its text. */
export async function showMarkdown(file: StoredFile): Promise<ShownMarkdown> {
  const known = await findMarkdown(file.sha256);
  if (known && isLaidOut(known)) return { ...known, isRead: true };
  const shown = await shownInTime(readOnce(file, LOOKING).whole, BEING_READ, "markdown.not_read");
  return known && !shown.isRead ? { ...known, isRead: true } : shown;
}

const LOOKING = "whoever looks";

/** The same as clients get it, without what it looks like, which may be much. */
export async function showCard(file: StoredFile): Promise<Card> {
  const known = await findCard(file.sha256);
  const shown = known
    ? { ...known, isRead: true as const }
    : await shownInTime(readOnce(file, LOOKING).text, BEING_READ, "markdown.not_read");
  if (!shown.isRead) return { frontMatter: {}, text: "", isCut: false, warnings: [shown.why], isRead: false };
  const { frontMatter, text, isCut, warnings, isRead } = shown;
  return { frontMatter, text, isCut, warnings: [...warnings], isRead };
}

/** What the card with this content says, its base found where the actor may see it; null for a card that is deleted. */
export async function planCard(actor: Actor, repo: WritableRepo, sha256: string | null): Promise<CardChange> {
  const who = actor.kind === "person" ? actor.userId : actor.kind;
  const card = sha256 === null ? noCard : await readSaid(await getBlob(sha256), who);
  const { facts, frontMatter } = card;
  return {
    ...facts,
    frontMatter,
    baseId: can(repo, "hasBase") && facts.base ? await findBase(actor, facts.base) : null,
  };
}

const noCard: Pick<Markdown, "facts" | "frontMatter"> = { frontMatter: {}, facts: factsOf({}, "") };

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
    return can(base, "isBase") ? base.id : null;
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "repo_not_found") return null;
    throw cause;
  }
}

import { LRUCache } from "lru-cache";
import { requireRead, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { CARD_PATH, showCard } from "#lib/catalog/cards/service.ts";
import type { Card } from "#lib/catalog/cards/schema.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { findFileRow } from "#lib/catalog/files/repository.ts";
import { MAX_TEXT_BYTES, showText } from "#lib/catalog/files/show-text.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { runnableModel } from "#lib/catalog/models/service.ts";
import { PROMPTS } from "#lib/catalog/pairs/schema.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { AppError } from "#lib/errors.ts";
import { promptsOfCard, toLine } from "./card-prompts.ts";
import { drawnPrompts } from "./repository.ts";
import type { Prompting } from "./schema.ts";
import { triggersOf } from "./triggers.ts";
import { readVocabulary, type Vocabulary, wordsKnown } from "./vocabulary.ts";

const SHOWN = 12;
const MAX_PROMPTS = 200; // of a list; a base is measured with 48

/** What to write for a fine-tune or base. @throws repo_not_found, revision_not_found; bad_request for a guide */
export async function getPrompting(actor: Actor, name: RepoName): Promise<Prompting> {
  const repo = await requireRead(actor, name);
  if (!can(repo, "draws"))
    throw new AppError(
      "bad_request",
      `${repo.owner}/${repo.name} is ${aKind(repo)}, which draws nothing by itself; ask for a model.`,
    );
  const { commitId } = await resolveRevision(repo, "HEAD");
  const [base, card, inspection] = await Promise.all([
    baseOf(actor, commitId),
    cardOf(commitId),
    findInspection(commitId),
  ]);
  const listed = await promptsOf(actor, [base, inspection?.baseCommitId ?? null]);
  const isLowRank = base !== null && base !== commitId;
  const triggers = isLowRank ? triggersOf(card, inspection?.facts ?? null) : [];
  const declared = triggers.filter((trigger) => trigger.declared).map(({ words }) => words);

  const sources = [
    () => promptsOfCard(card),
    () => listed,
    () => drawnPrompts(actor, commitId, SHOWN),
    async () => (isLowRank ? promptsOfCard(await cardOf(base)) : []),
  ];
  const own = await firstOf(sources);
  const vocabulary = base === null ? null : await vocabularyOf(base);
  return {
    suggestions: own
      .slice(0, SHOWN)
      .map((prompt) =>
        [...declared.filter((trigger) => !prompt.toLowerCase().includes(trigger.toLowerCase())), prompt].join(", "),
      ),
    words: vocabulary && wordsKnown(vocabulary, listed),
    triggers,
  };
}

/** The commit whose tokenizer reads the prompt; null before it is known, and where it may not be seen. */
async function baseOf(actor: Actor, commitId: string): Promise<string | null> {
  try {
    const { base } = await runnableModel(commitId);
    return (await readableCommits(actor, [base.commitId])).has(base.commitId) ? base.commitId : null;
  } catch (cause) {
    if (cause instanceof AppError && ["upload_not_ready", "unsupported_model", "not_found"].includes(cause.code))
      return null;
    throw cause;
  }
}

/** What the first of these bases that has a list is measured with. A whole fine-tune has the tokenizer itself, and its base the list. */
async function promptsOf(actor: Actor, commitIds: readonly (string | null)[]): Promise<string[]> {
  const ids = commitIds.filter((id) => id !== null);
  const visible = await readableCommits(actor, ids);
  for (const id of ids.filter((one) => visible.has(one))) {
    const text = await readSmallFile(id, PROMPTS);
    if (text !== null) return text.split("\n", MAX_PROMPTS).flatMap((line) => toLine(line) ?? []);
  }
  return [];
}

/**
 * The text of a small file of a commit; null where there is none, or it is larger (CLIP's own vocabulary has 1 MB, and is not for
 * reading here), or the store is slow or away: what suits a model is then less, and no page waits for it.
 */
async function readSmallFile(commitId: string, path: string): Promise<string | null> {
  const file = await findFileRow(commitId, path);
  if (!file || file.size > MAX_TEXT_BYTES) return null;
  const shown = await showText(file);
  return shown.isRead ? shown.text : null;
}

async function cardOf(commitId: string): Promise<Pick<Card, "frontMatter">> {
  const file = await findFileRow(commitId, CARD_PATH);
  return file ? showCard(file) : { frontMatter: {} };
}

// By commit, whose files never change: to parse a tokenizer takes a moment, and anybody may ask.
const vocabularies = new LRUCache<string, { readonly found: Vocabulary | null }>({ max: 64 });

async function vocabularyOf(commitId: string): Promise<Vocabulary | null> {
  const known = vocabularies.get(commitId);
  if (known) return known.found;
  const files = await tokenizerOf(commitId);
  if (files === null) return null;
  const found = readVocabulary(files);
  vocabularies.set(commitId, { found });
  return found;
}

async function tokenizerOf(commitId: string): Promise<Parameters<typeof readVocabulary>[0] | null> {
  const [tokenizer, vocab, merges] = await Promise.all(
    ["tokenizer.json", "vocab.json", "merges.txt"].map((name) => readSmallFile(commitId, `tokenizer/${name}`)),
  );
  if (tokenizer) return { tokenizer };
  return vocab && merges ? { vocab, merges } : null;
}

async function firstOf(sources: readonly (() => readonly string[] | Promise<readonly string[]>)[]): Promise<string[]> {
  for (const source of sources) {
    const found = once(await source());
    if (found.length > 0) return found;
  }
  return [];
}

const once = (texts: readonly string[]): string[] => [...new Set(texts)];

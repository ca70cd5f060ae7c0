import { database } from "#lib/db/client.ts";
import type { Prisma, Repo } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { type Markdown, type MarkdownText, READER_VERSION } from "./read-markdown.ts";
import { cardFacts } from "./schema.ts";

/** What a card has a say in. */
type CardColumns = Pick<Repo, "card" | "license" | "tags" | "summary" | "baseId">;

export async function readColumns(transaction: Transaction, repoId: string): Promise<CardColumns> {
  return transaction.repo.findUniqueOrThrow({
    where: { id: repoId },
    select: { card: true, license: true, tags: true, summary: true, baseId: true },
  });
}

export async function writeColumns(
  transaction: Transaction,
  repoId: string,
  { card, ...columns }: Partial<CardColumns>,
): Promise<void> {
  await transaction.repo.update({ where: { id: repoId }, data: { ...columns, card: card as Prisma.InputJsonValue } });
}

/** What the present reader has read of this content. */
export async function findMarkdown(sha256: string): Promise<Markdown | null> {
  const row = await database().markdown.findUnique({ where: { sha256, reader: READER_VERSION } });
  return row && { ...row, frontMatter: row.frontMatter as Markdown["frontMatter"], facts: cardFacts.parse(row.facts) };
}

/** The same without the page that it makes, which may be half a megabyte. */
export async function findCard(sha256: string): Promise<Pick<Markdown, CardPart> | null> {
  const row = await database().markdown.findUnique({
    where: { sha256, reader: READER_VERSION },
    select: { frontMatter: true, text: true, isCut: true, warnings: true },
  });
  return row && { ...row, frontMatter: row.frontMatter as Markdown["frontMatter"] };
}

/** Only what it says of its repo. */
export async function findSaid(sha256: string): Promise<Pick<Markdown, "frontMatter" | "facts"> | null> {
  const row = await database().markdown.findUnique({
    where: { sha256, reader: READER_VERSION },
    select: { frontMatter: true, facts: true },
  });
  return row && { frontMatter: row.frontMatter as Markdown["frontMatter"], facts: cardFacts.parse(row.facts) };
}

type CardPart = "frontMatter" | "text" | "isCut" | "warnings";

/** Keeps what was read, before it is laid out and then again. Does nothing where the content has been removed meanwhile. */
export async function keepMarkdown(sha256: string, markdown: MarkdownText & Partial<Markdown>): Promise<void> {
  const { frontMatter, facts, text, html = null, problem = null, isCut, warnings } = markdown;
  await database().$executeRaw`
    INSERT INTO markdown (sha256, reader, front_matter, facts, text, html, problem, is_cut, warnings)
    SELECT sha256, ${READER_VERSION}, ${frontMatter}::jsonb, ${facts}::jsonb, ${text}, ${html}, ${problem}, ${isCut}, ${warnings}
    FROM blob WHERE sha256 = ${sha256}
    ON CONFLICT (sha256) DO UPDATE SET reader = excluded.reader, front_matter = excluded.front_matter, facts = excluded.facts,
      text = excluded.text, html = excluded.html, problem = excluded.problem, is_cut = excluded.is_cut, warnings = excluded.warnings,
      read_at = now()
    WHERE markdown.reader <> excluded.reader OR coalesce(excluded.html, excluded.problem) IS NOT NULL`; // another may have laid it out
}

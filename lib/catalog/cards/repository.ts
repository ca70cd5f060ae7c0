import type { Prisma, Repo } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

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

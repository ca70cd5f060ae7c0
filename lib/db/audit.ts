import { database } from "./client.ts";
import type { Prisma } from "./generated/client.ts";
import type { Transaction } from "./transaction.ts";

/** Who did it: an actor of lib/auth. */
export interface Doer {
  readonly kind: "person" | "anonymous" | "hub";
  readonly userId?: string;
  readonly tokenId?: string | null;
}

/**
 * Writes down who did what, in the transaction that does it. `action` is like «repo.delete», `subjectId` the id of what it was
 * done to. Never a secret or an e-mail address in `detail`: these rows are kept for ever.
 */
export async function audit(
  transaction: Transaction,
  doer: Doer,
  action: `${string}.${string}`,
  subjectId: string,
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  await transaction.auditEvent.create({
    data: { actorId: doer.userId ?? null, apikeyId: doer.tokenId ?? null, action, subjectId, detail },
  });
}

/** Whether the hub ever did this: for what is done once in its life. */
export const hasHappened = async (action: string): Promise<boolean> =>
  (await database().auditEvent.findFirst({ where: { action }, select: { id: true } })) !== null;

import { database } from "./client.ts";
import type { Prisma } from "./generated/client.ts";
import { append } from "./outbox.ts";
import type { AuditKind } from "./outbox-kinds.ts";
import type { Transaction } from "./transaction.ts";

/** Who did it: an actor of lib/auth. */
export interface Doer {
  readonly kind: "person" | "anonymous" | "hub";
  readonly userId?: string;
  readonly tokenId?: string | null;
}

/**
 * Writes down who did what, in the transaction that does it. `subjectId` is the id of what it was done to. Never a secret or an e-mail
 * address in `detail`: these rows are kept for ever.
 */
export const audit = (
  transaction: Transaction,
  doer: Doer,
  kind: AuditKind,
  subjectId: string,
  { repoId, ...detail }: Prisma.InputJsonObject & { readonly repoId?: string } = {},
): Promise<void> =>
  append(transaction, {
    kind,
    subjectId,
    actorId: doer.userId ?? null,
    apikeyId: doer.tokenId ?? null,
    repoId: repoId ?? null,
    detail,
  });

/** Whether the hub ever did this: for what is done once in its life. */
export const hasHappened = async (kind: AuditKind): Promise<boolean> =>
  (await database().outbox.findFirst({ where: { kind }, select: { id: true } })) !== null;

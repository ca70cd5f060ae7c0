import { createHash, randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { requireOperator } from "./access.ts";
import { type Actor, hub } from "./actor.ts";

export interface Invitation {
  readonly id: string;
  /** Whom it is for; null: whoever has the link. */
  readonly email: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A link that lets one person in. It is told once: only its hash is kept. */
export interface InvitationLink extends Invitation {
  readonly url: string;
}

/** That somebody may sign up, and as what. */
export interface Admission {
  readonly invitationId: string | null;
  readonly isOperator: boolean;
  /** The only address that may be used; null: any. */
  readonly email: string | null;
}

const OWNER = "owner-invitation:";
const MEMBER = "invitation:";
const HOUR_MS = 3_600_000;
const OWNER_HOURS = 24;
const MAX_INVITATIONS = 1000; // open at one time

/** The link with which the owner of an empty hub signs up, in place of an earlier one. Null when there is somebody already. */
export async function ownerInvitation(): Promise<string | null> {
  return inTransaction(database(), async (transaction) => {
    await transaction.verification.deleteMany({ where: { identifier: { startsWith: OWNER } } });
    if (!(await isEmpty(transaction))) return null;
    const { id, url } = await insertInvitation(transaction, OWNER, null, OWNER_HOURS);
    await audit(transaction, hub, "invitation.create", id, { owner: true });
    return url;
  });
}

/** Who may: operators. @throws unauthenticated, forbidden */
export async function createInvitation(
  actor: Actor,
  { email, expiresInHours }: { email?: string | undefined; expiresInHours: number },
): Promise<InvitationLink> {
  const operator = requireOperator(actor);
  return inTransaction(database(), async (transaction) => {
    const open = await transaction.verification.count({
      where: { identifier: { startsWith: MEMBER }, expiresAt: { gt: new Date() } },
    });
    if (open >= MAX_INVITATIONS)
      throw new AppError(
        "conflict",
        `There are ${MAX_INVITATIONS} open invitations, as many as there may be; revoke some.`,
      );
    const invitation = await insertInvitation(transaction, MEMBER, email ?? null, expiresInHours);
    await audit(transaction, operator, "invitation.create", invitation.id);
    return invitation;
  });
}

/** Those that can still be used, the newest first. Who may: operators. @throws unauthenticated, forbidden */
export async function listInvitations(actor: Actor): Promise<Invitation[]> {
  requireOperator(actor);
  const rows = await database().verification.findMany({
    where: { identifier: { startsWith: MEMBER }, expiresAt: { gt: new Date() } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
  return rows.map(toInvitation);
}

/** Who may: operators. @throws not_found, also when it was used meanwhile */
export async function revokeInvitation(actor: Actor, id: string): Promise<void> {
  const operator = requireOperator(actor);
  await inTransaction(database(), async (transaction) => {
    const { count } = await transaction.verification.deleteMany({ where: { id, identifier: { startsWith: MEMBER } } });
    if (count === 0)
      throw new AppError("not_found", "There is no such invitation; it was used, revoked, or has expired.");
    await audit(transaction, operator, "invitation.revoke", id);
  });
}

/**
 * Whether somebody may sign up, with an invitation or without. An empty hub lets in nobody but its owner, with the link that the
 * start printed. @throws forbidden with what to do
 */
export async function requireAdmission(
  token: string | null,
  rows: Pick<Transaction, "verification" | "user"> = database(),
): Promise<Admission> {
  const invitation = token === null ? null : await findInvitation(rows, token);
  const isOperator = invitation?.identifier.startsWith(OWNER) ?? false;
  const empty = await isEmpty(rows);
  if (token !== null && (invitation === null || (isOperator && !empty))) {
    throw new AppError(
      "forbidden",
      "This invitation cannot be used: it was used already, revoked, or has expired; ask an operator of this hub for a new one.",
      { field: "invitation" },
    );
  }
  if (empty && !isOperator)
    throw new AppError("forbidden", "This hub has no owner yet; open the link that its start has printed.", {
      field: "invitation",
    });
  if (invitation === null && env().signup === "invited")
    throw new AppError("forbidden", "One needs an invitation to sign up here; ask an operator of this hub for one.", {
      field: "invitation",
    });
  return {
    invitationId: invitation?.id ?? null,
    isOperator,
    email: invitation ? toInvitation(invitation).email : null,
  };
}

/** Uses an invitation up. Of two who come at once one gets it. @throws forbidden */
export async function takeInvitation(transaction: Transaction, token: string | null): Promise<Admission> {
  const admission = await requireAdmission(token, transaction);
  if (admission.invitationId !== null) await transaction.verification.delete({ where: { id: admission.invitationId } });
  return admission;
}

async function insertInvitation(
  transaction: Transaction,
  kind: string,
  email: string | null,
  hours: number,
): Promise<InvitationLink> {
  const token = randomBytes(32).toString("base64url");
  const row = await transaction.verification.create({
    data: {
      id: randomUUID(),
      identifier: kind + hashOf(token),
      value: JSON.stringify({ email } satisfies z.infer<typeof content>),
      expiresAt: new Date(Date.now() + hours * HOUR_MS),
    },
  });
  return { ...toInvitation(row), url: `${env().publicUrl}/join?invitation=${token}` };
}

const findInvitation = (rows: Pick<Transaction, "verification">, token: string) =>
  rows.verification.findFirst({
    where: { identifier: { in: [OWNER + hashOf(token), MEMBER + hashOf(token)] }, expiresAt: { gt: new Date() } },
  });

const isEmpty = async (rows: Pick<Transaction, "user">): Promise<boolean> =>
  (await rows.user.findFirst({ select: { id: true } })) === null;

/** The token has 256 bits of its own, so a plain hash is enough. */
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

const content = z.object({ email: z.string().nullable() });

const toInvitation = ({
  id,
  value,
  createdAt,
  expiresAt,
}: {
  id: string;
  value: string;
  createdAt: Date;
  expiresAt: Date;
}): Invitation => ({
  id,
  email: content.parse(JSON.parse(value)).email,
  createdAt,
  expiresAt,
});

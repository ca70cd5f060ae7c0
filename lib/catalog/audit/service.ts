import { z } from "zod";
import { requireOperator } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { lookBack, type OutboxRow, readOutbox } from "#lib/db/outbox.ts";
import { auditKinds, type AuditKind } from "#lib/db/outbox-kinds.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toCursor, toPage } from "#lib/page.ts";
import { personOf, usernamesOf } from "./repository.ts";
import type { AuditItem, AuditList, AuditQuery } from "./schema.ts";

const digits = z
  .string()
  .regex(/^\d{1,18}$/)
  .transform(BigInt);

/** What people did on this hub. Who may: operators. @throws unauthenticated, forbidden, bad_request */
export async function listAudit(actor: Actor, query: AuditQuery): Promise<AuditList> {
  requireOperator(actor);
  return query.order === "oldest" ? follow(query) : lookFromNewest(query);
}

/** The cursor stays the same while nothing came, so that a follower always has one to go on with. */
async function follow({ cursor, limit, person, subject }: AuditQuery): Promise<AuditList> {
  if (person !== undefined || subject !== undefined)
    throw new AppError("bad_request", "Who follows along gets everything; leave out the person and the subject.", {
      field: person === undefined ? "subject" : "person",
    });
  const [position, id] = cursor ? parseCursor(cursor, z.tuple([digits, digits])) : [-1n, 0n];
  const rows = await readOutbox(database(), { position, id }, auditKinds, limit);
  const last = rows.at(-1);
  return {
    items: await toItems(rows),
    next: last ? toCursor([String(last.position), String(last.id)]) : (cursor ?? null),
  };
}

async function lookFromNewest({ cursor, limit, person, subject }: AuditQuery): Promise<AuditList> {
  const actorId = person === undefined ? undefined : await personOf(person);
  if (actorId === null) throw new AppError("not_found", `There is no person ${person}; check the name.`);
  const rows = await lookBack(
    database(),
    {
      kinds: "audit",
      ...(cursor && { before: parseCursor(cursor, z.tuple([digits]))[0] }),
      ...(subject !== undefined && { subjectId: subject }),
      ...(actorId !== undefined && { actorId }),
    },
    limit + 1,
  );
  return toPage(await toItems(rows), limit, ({ id }) => [id]);
}

async function toItems(rows: readonly OutboxRow[]): Promise<AuditItem[]> {
  const names = await usernamesOf(rows.flatMap(({ actorId }) => actorId ?? []));
  return rows.map(({ id, at, kind, actorId, apikeyId, subjectId, repoId, namespaceId, detail }) => ({
    id: String(id),
    at: at.toISOString(),
    kind: kind as AuditKind,
    person: actorId === null ? null : (names.get(actorId) ?? null),
    personId: actorId,
    token: apikeyId,
    subject: subjectId,
    repo: repoId,
    namespace: namespaceId,
    detail,
  }));
}

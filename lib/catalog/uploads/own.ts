import { requirePerson } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { AppError } from "#lib/errors.ts";
import { findUpload, type UploadRow } from "./repository.ts";

/** Whoever began it, or an operator; to everybody else it does not exist. @throws unauthenticated, forbidden, not_found */
export async function requireOwn(actor: Actor, id: string): Promise<UploadRow> {
  if (actor.kind !== "hub") requirePerson(actor, "write");
  const row = await findUpload(id);
  if (row && (actor.kind === "hub" || (actor.kind === "person" && (actor.isOperator || row.userId === actor.userId))))
    return row;
  throw new AppError("not_found", "There is no such upload of yours; look at the list of them, or begin a new one.", {
    upload: id,
  });
}

export const isArriving = ({ state }: UploadRow): boolean => state === "open" || state === "receiving";

export function requireArriving(row: UploadRow): void {
  if (isArriving(row)) return;
  const isThere = ["hashing", "verified", "linked"].includes(row.state);
  throw new AppError(
    "already_ended",
    isThere
      ? `All bytes of ${row.path} have come; nothing more is taken.`
      : `The upload of ${row.path} has ended (${row.state}); begin a new one.`,
    { state: row.state },
  );
}

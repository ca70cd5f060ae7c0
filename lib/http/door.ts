import { requireOperator, requirePerson, requireSession } from "#lib/auth/access.ts";
import type { Actor, Scope } from "#lib/auth/actor.ts";
import { needsSession, type Permission } from "#lib/auth/permission.ts";

/** A way in: an address, and who may come by it. Every handler carries its own, so that a test finds all that there are. */
export interface Door<Id extends string = string> {
  /** In the document and in clients made from it: “createRepo”. */
  readonly id: Id;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: `/api/v1/repos/{owner}/{repo}`. */
  readonly path: string;
  /**
   * Which scope a token must have: `null` none, and nobody need be signed in. Of several one opens the door: which of them it takes
   * depends on what is behind it, and is asked for there.
   */
  readonly scope: Scope | null | readonly Scope[];
  /** What the caller must be to what they name. Asked for in the data layer. */
  readonly permission: Permission;
}

/** What can be known before anything is looked up. @throws unauthenticated, forbidden */
export function requireAdmission(actor: Actor, { scope, permission }: Pick<Door, "scope" | "permission">): void {
  if (actor.kind === "hub") return;
  if (scope !== null) requirePerson(actor, scope);
  if (needsSession.has(permission)) requireSession(actor);
  if (permission === "operator") requireOperator(actor);
}

/** Says of a handler which doors it stands behind; `doorsOf` reads it. */
export const behind = <Handler extends object>(doors: readonly Door[], handler: Handler): Handler =>
  Object.assign(handler, { doors });

/** The doors of a handler; none where it was not said. */
export const doorsOf = (handler: object): readonly Door[] => (handler as { doors?: readonly Door[] }).doors ?? [];

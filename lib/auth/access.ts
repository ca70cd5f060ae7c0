import { database } from "#lib/db/client.ts";
import { type NamespaceKind, Prisma, type RepoKind, type Visibility } from "#lib/db/generated/client.ts";
import { AppError } from "#lib/errors.ts";
import type { Actor, Person, Scope } from "./actor.ts";

/** “owner/repo”, as people write it. */
export interface RepoName {
  readonly owner: string;
  readonly repo: string;
}

declare const mayRead: unique symbol;
declare const mayWrite: unique symbol;
declare const mayAdminister: unique symbol;
declare const mayCreateIn: unique symbol;
declare const mayManage: unique symbol;

/**
 * A repo that somebody may read: the permission is in the type. Only this file makes one, so a service that takes it cannot have
 * forgotten to ask.
 */
export interface ReadableRepo {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly kind: RepoKind;
  readonly visibility: Visibility;
  readonly defaultBranch: string;
  readonly baseId: string | null;
  readonly [mayRead]: true;
}

/** A repo that somebody may change. */
export interface WritableRepo extends ReadableRepo {
  readonly [mayWrite]: true;
}

/** A repo that somebody may rename, hide or delete. */
export interface AdministeredRepo extends WritableRepo {
  readonly [mayAdminister]: true;
}

/** A namespace in which somebody may create repos. */
export interface WritableNamespace {
  readonly id: string;
  readonly kind: NamespaceKind;
  readonly name: string;
  readonly [mayCreateIn]: true;
}

/** An organisation whose members somebody may change. */
export interface ManagedNamespace {
  readonly id: string;
  readonly kind: NamespaceKind;
  readonly name: string;
  readonly [mayManage]: true;
}

/** @throws repo_not_found, also where the repo is there and may not be seen */
export async function requireRead(actor: Actor, name: RepoName): Promise<ReadableRepo> {
  return (await find(actor, name)).repo;
}

/** @throws repo_not_found; forbidden where it may be seen, not changed */
export async function requireWrite(actor: Actor, name: RepoName): Promise<WritableRepo> {
  const { repo, role } = await find(actor, name);
  requireWriteScope(actor);
  if (role === "owner" || role === "writer") return repo as WritableRepo;
  throw new AppError("forbidden", `You may read ${repo.owner}/${repo.name}, not change it; ask one of its owners.`);
}

/** @throws repo_not_found; forbidden where it may be seen, not administered */
export async function requireAdminister(actor: Actor, name: RepoName): Promise<AdministeredRepo> {
  const { repo, role } = await find(actor, name);
  requireWriteScope(actor);
  if (role === "owner") return repo as AdministeredRepo;
  throw new AppError(
    "forbidden",
    `Only owners of ${repo.owner} may do this to ${repo.owner}/${repo.name}; ask one of them.`,
  );
}

/** The same by id, for rows that point at a repo. @throws repo_not_found, forbidden */
export async function requireWriteById(actor: Actor, id: string): Promise<WritableRepo> {
  return requireWrite(actor, await nameOf(id));
}

/** @throws not_found; forbidden where the actor may not create repos */
export async function requireNamespace(actor: Actor, name: string): Promise<WritableNamespace> {
  const { namespace, role } = await findNamespace(actor, name);
  requireWriteScope(actor);
  if (role === "owner" || role === "writer") return namespace as WritableNamespace;
  throw new AppError(
    "forbidden",
    `You may not create anything under ${namespace.name}; use your own name, or ask an owner of ${namespace.name} to make you a writer.`,
  );
}

/**
 * Needs a session, for whoever comes in stays in when a token is deleted. `themselves`: for what every member may do to themselves.
 * @throws not_found; forbidden where the actor is not an owner; conflict for the namespace of a person, which has no members
 */
export async function requireManage(actor: Actor, name: string, themselves = false): Promise<ManagedNamespace> {
  if (actor.kind !== "hub") requireSession(actor);
  const { namespace, role } = await findNamespace(actor, name);
  if (namespace.kind === "user")
    throw new AppError(
      "conflict",
      `${namespace.name} is a person and has no members; make an organisation to share repos.`,
    );
  if (role === "owner" || (themselves && role !== null)) return namespace as ManagedNamespace;
  throw new AppError("forbidden", `Only owners of ${namespace.name} may change its members; ask one of them.`);
}

/** Somebody who is signed in, by a session or with a token of that scope, or of one of several. @throws unauthenticated, forbidden */
export function requirePerson(actor: Actor, scope: Scope | readonly Scope[]): Person {
  if (actor.kind !== "person")
    throw new AppError(
      "unauthenticated",
      "You are not signed in; sign in, or send an access token as “Authorization: Bearer …”.",
    );
  const some = [scope].flat();
  if (!some.some((one) => actor.scopes.has(one))) {
    const words = some.join(" or ");
    throw new AppError(
      "forbidden",
      `Your access token may not ${words}; make one with the scope ${words} in your settings.`,
      { scope },
    );
  }
  return actor;
}

/** For what is about the account itself, where a token that was lost must not do harm. @throws unauthenticated, forbidden */
export function requireSession(actor: Actor): Person {
  if (actor.kind !== "person")
    throw new AppError("unauthenticated", "You are not signed in; sign in with your password.");
  if (actor.tokenId !== null)
    throw new AppError("forbidden", "An access token cannot do this; sign in with your password and do it there.");
  return actor;
}

/** @throws unauthenticated, forbidden */
export function requireOperator(actor: Actor): Person {
  const person = requireSession(actor);
  if (!person.isOperator) throw new AppError("forbidden", "Only operators of this hub may do this; ask one of them.");
  return person;
}

/** What of a listing of repos somebody may see. */
export function visibleTo(actor: Actor): Prisma.RepoWhereInput {
  if (seesAll(actor)) return { deletedAt: null };
  const mine: Prisma.RepoWhereInput[] =
    actor.kind === "person" && actor.scopes.has("read")
      ? [{ namespace: { OR: [{ userId: actor.userId }, { members: { some: { userId: actor.userId } } }] } }]
      : [];
  return { deletedAt: null, OR: [{ visibility: "public" }, ...mine] };
}

/** The same as a condition of SQL, on a row of `repo` that goes by `alias`. */
export function isVisible(actor: Actor, alias: string): Prisma.Sql {
  const repo = Prisma.raw(alias);
  if (seesAll(actor)) return Prisma.sql`${repo}.deleted_at IS NULL`;
  const parts = visibleParts(actor, alias).map(({ visible, namespaces }) =>
    namespaces === null ? visible : Prisma.sql`${visible} AND ${repo}.namespace_id = ANY (ARRAY(${namespaces}))`,
  );
  return Prisma.sql`(${Prisma.join(parts, " OR ")})`;
}

/** A part of what somebody may see. */
export interface VisiblePart {
  /** For everybody, not only for the asker and a few others. */
  readonly isPublic: boolean;
  /** A condition on a row of `repo`. */
  readonly visible: Prisma.Sql;
  /** A statement whose rows are the ids of the namespaces that it is within; null: within any. */
  readonly namespaces: Prisma.Sql | null;
}

/**
 * The same in parts that share no row: what everybody sees, and what only some do. For each of them PostgreSQL walks an index in its
 * order, which it cannot for both at once.
 */
export function visibleParts(actor: Actor, alias: string): VisiblePart[] {
  const part = (visibility: Visibility, namespaces: Prisma.Sql | null = null): VisiblePart => ({
    isPublic: visibility === "public",
    visible: Prisma.sql`${Prisma.raw(alias)}.deleted_at IS NULL AND ${Prisma.raw(alias)}.visibility = ${Prisma.raw(`'${visibility}'`)}`,
    namespaces,
  });
  if (seesAll(actor)) return [part("public"), part("private")];
  if (actor.kind !== "person" || !actor.scopes.has("read")) return [part("public")];
  const own = Prisma.sql`SELECT id FROM namespace WHERE user_id = ${actor.userId} UNION ALL SELECT namespace_id FROM member WHERE user_id = ${actor.userId}`;
  return [part("public"), part("private", own)];
}

/** Whether the actor may change a row of `repo` that goes by `alias`, as a condition of SQL. */
export function isWritable(actor: Actor, alias: string): Prisma.Sql {
  if (actor.kind === "hub") return Prisma.sql`TRUE`;
  if (actor.kind !== "person" || !actor.scopes.has("write")) return Prisma.sql`FALSE`;
  if (actor.isOperator) return Prisma.sql`TRUE`;
  return Prisma.sql`${Prisma.raw(alias)}.namespace_id IN (
    SELECT id FROM namespace WHERE user_id = ${actor.userId} UNION ALL SELECT namespace_id FROM member WHERE user_id = ${actor.userId} AND role IN ('owner', 'writer'))`;
}

/** Whether a row with a `user_id`, which goes by `alias`, is the actor's own: for what nobody else is to see. */
export function isOwn(actor: Actor, alias: string): Prisma.Sql {
  if (seesAll(actor)) return Prisma.sql`TRUE`;
  return actor.kind === "person" && actor.scopes.has("read")
    ? Prisma.sql`${Prisma.raw(alias)}.user_id = ${actor.userId}`
    : Prisma.sql`FALSE`;
}

type Role = "owner" | "writer" | "reader" | null;

/** The hub itself, and operators: nothing is hidden from them. */
export const seesAll = (actor: Actor): boolean =>
  actor.kind === "hub" || (actor.kind === "person" && actor.isOperator && actor.scopes.has("read"));

function requireWriteScope(actor: Actor): void {
  if (actor.kind === "person") requirePerson(actor, "write");
}

interface RepoRow extends Omit<ReadableRepo, typeof mayRead> {
  readonly userId: string | null;
  readonly memberRole: Role;
}

/** One statement, for nearly every request begins with it. */
async function find(actor: Actor, { owner, repo: name }: RepoName): Promise<{ repo: ReadableRepo; role: Role }> {
  const rows =
    isName(owner) &&
    isName(name) &&
    (await database().$queryRaw<RepoRow[]>`
    SELECT r.id, n.name AS owner, r.name, r.kind, r.visibility, r.default_branch AS "defaultBranch", r.base_id AS "baseId", n.user_id AS "userId", m.role AS "memberRole"
    FROM namespace n
    JOIN repo r ON r.namespace_id = n.id AND r.name_key = lower(${name}) AND r.deleted_at IS NULL
    LEFT JOIN member m ON m.namespace_id = n.id AND m.user_id = ${actor.kind === "person" ? actor.userId : null}
    WHERE n.name_key = lower(${owner})`);
  if (rows && rows[0]) {
    const { userId, memberRole, ...repo } = rows[0];
    const role = roleOf(actor, userId, memberRole);
    if (repo.visibility === "public" || (role !== null && (actor.kind !== "person" || actor.scopes.has("read"))))
      return { repo: repo as ReadableRepo, role };
  }
  throw new AppError(
    "repo_not_found",
    `There is no repo ${owner}/${name} that you may see; check the name, or sign in if it is private.`,
  );
}

/** Nothing else can have been stored as a name, and PostgreSQL takes no NUL to look for. */
const isName = (text: string): boolean => /^[\w.-]{1,96}$/.test(text);

function roleOf(actor: Actor, userId: string | null, memberRole: Role): Role {
  if (actor.kind === "anonymous") return null;
  return actor.kind === "hub" || actor.isOperator || userId === actor.userId ? "owner" : memberRole;
}

async function findNamespace(
  actor: Actor,
  name: string,
): Promise<{ namespace: { id: string; kind: NamespaceKind; name: string }; role: Role }> {
  const row =
    isName(name) &&
    (await database().namespace.findUnique({
      where: { nameKey: name.toLowerCase() },
      select: {
        id: true,
        kind: true,
        name: true,
        userId: true,
        members: { where: { userId: actor.kind === "person" ? actor.userId : "" }, select: { role: true } },
      },
    }));
  if (!row) throw new AppError("not_found", `There is no namespace ${name}; check the name.`);
  const { userId, members, ...namespace } = row;
  return { namespace, role: roleOf(actor, userId, members[0]?.role ?? null) };
}

async function nameOf(id: string): Promise<RepoName> {
  const row = await database().repo.findFirst({
    where: { id, deletedAt: null },
    select: { name: true, namespace: { select: { name: true } } },
  });
  if (!row) throw new AppError("repo_not_found", "The repo of this is gone; nothing can be done with it any more.");
  return { owner: row.namespace.name, repo: row.name };
}

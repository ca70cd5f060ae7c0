import { randomUUID } from "node:crypto";
import { defaultKeyHasher } from "@better-auth/api-key";
import { generateRandomString } from "better-auth/crypto";
import { z } from "zod";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { requireSession } from "./access.ts";
import { type Actor, type Person, type Scope, scopes } from "./actor.ts";
import { personColumns, toPerson } from "./person.ts";

export interface Token {
  readonly id: string;
  readonly name: string;
  /** Its first characters, to tell tokens apart. */
  readonly start: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
}

/** A client of the Hub refuses a token that begins otherwise. Those of before began with “gp_” and are found as they are, by their hash. */
const PREFIX = "hf_";
const SECRET_LENGTH = 43; // of 62 signs: 256 bits, so that a plain hash is enough
const START_LENGTH = 8;
const MAX_TOKENS = 100; // of one person: they are shown on one page
const USED_MS = 60_000;

/** Makes a token; its secret is told this once. Only a session may: a token that was lost must not become two. */
export async function createToken(
  actor: Actor,
  wish: { name: string; scopes: readonly Scope[]; expiresInDays?: number | undefined },
): Promise<Token & { secret: string }> {
  const person = requireSession(actor);
  const secret = PREFIX + generateRandomString(SECRET_LENGTH, "a-z", "A-Z", "0-9");
  const key = await defaultKeyHasher(secret);
  const row = await inTransaction(database(), async (transaction) => {
    const has = await transaction.apikey.count({ where: { referenceId: person.userId } });
    if (has >= MAX_TOKENS)
      throw new AppError(
        "conflict",
        `You have ${MAX_TOKENS} access tokens, as many as one may have; delete one that is not used any more.`,
      );
    const made = await transaction.apikey.create({
      data: {
        id: randomUUID(),
        name: wish.name,
        prefix: PREFIX,
        start: secret.slice(0, START_LENGTH),
        key,
        referenceId: person.userId,
        permissions: toPermissions(wish.scopes),
        rateLimitEnabled: false,
        expiresAt: wish.expiresInDays === undefined ? null : new Date(Date.now() + wish.expiresInDays * 86_400_000),
      },
      select: columns,
    });
    await audit(transaction, person, "token.create", made.id, { scopes: [...wish.scopes] });
    return made;
  });
  return { ...toToken(row), secret };
}

/** The actor's tokens, the newest first. */
export async function listTokens(actor: Actor): Promise<Token[]> {
  const { userId } = requireSession(actor);
  const rows = await database().apikey.findMany({
    where: { referenceId: userId },
    select: columns,
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
  return rows.map(toToken);
}

/** The token that somebody came by; null for who came by a session. */
export async function tokenOf({ tokenId }: Person): Promise<Token | null> {
  const row = tokenId === null ? null : await database().apikey.findUnique({ where: { id: tokenId }, select: columns });
  return row && toToken(row);
}

/** From then on the token is unknown. @throws not_found */
export async function deleteToken(actor: Actor, id: string): Promise<void> {
  const person = requireSession(actor);
  await inTransaction(database(), async (transaction) => {
    const { count } = await transaction.apikey.deleteMany({ where: { id, referenceId: person.userId } });
    if (count === 0) throw new AppError("not_found", "You have no such access token; look at the list of them.");
    await audit(transaction, person, "token.delete", id);
  });
}

/**
 * Null when the token is unknown, or has expired. Not by the verification of better-auth's plugin, whose rows these are: that one
 * writes two rows for each request, and calls a token invalid when it is the database that is away.
 */
export async function personOfToken(secret: string): Promise<Person | null> {
  const row = await validToken({ key: await defaultKeyHasher(secret) });
  const person = row && personOf(row);
  if (person && Date.now() - (row.lastRequest?.getTime() ?? 0) > USED_MS)
    await database().apikey.updateMany({ where: { id: row.id }, data: { lastRequest: new Date() } });
  return person;
}

/** The same by its id, for what goes on after its request. */
export async function personOfTokenId(id: string): Promise<Person | null> {
  const row = await validToken({ id });
  return row && personOf(row);
}

const validToken = (where: { readonly key: string } | { readonly id: string }) =>
  database().apikey.findUnique({
    where: { ...where, enabled: true, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    select: { id: true, permissions: true, lastRequest: true, user: { select: personColumns } },
  });

const personOf = ({ id, permissions, user }: NonNullable<Awaited<ReturnType<typeof validToken>>>): Person | null =>
  toPerson(user, { scopes: new Set(toScopes(permissions)), tokenId: id });

const columns = {
  id: true,
  name: true,
  start: true,
  permissions: true,
  createdAt: true,
  lastRequest: true,
  expiresAt: true,
} as const;

interface Row {
  readonly id: string;
  readonly name: string | null;
  readonly start: string | null;
  readonly permissions: string | null;
  readonly createdAt: Date;
  readonly lastRequest: Date | null;
  readonly expiresAt: Date | null;
}

const toToken = ({ id, name, start, permissions, createdAt, lastRequest, expiresAt }: Row): Token => ({
  id,
  name: name ?? "",
  start: start ?? "",
  scopes: toScopes(permissions),
  createdAt,
  lastUsedAt: lastRequest,
  expiresAt,
});

/** As better-auth's plugin keeps permissions: a JSON of lists of actions, by what they are on. */
const permissions = z.object({ hub: z.array(z.enum(scopes)) });

const toPermissions = (granted: readonly Scope[]): string =>
  JSON.stringify({ hub: scopes.filter((scope) => granted.includes(scope)) } satisfies z.infer<typeof permissions>);

const toScopes = (text: string | null): Scope[] => (text === null ? [] : permissions.parse(JSON.parse(text)).hub);

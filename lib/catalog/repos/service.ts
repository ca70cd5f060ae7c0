import { z } from "zod";
import {
  isVisible,
  isWritable,
  requireAdminister,
  requireNamespace,
  requireRead,
  requireWrite,
  type RepoName,
  visibleParts,
} from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { CARD_PATH, showCard } from "#lib/catalog/cards/service.ts";
import { inspectAgain } from "#lib/catalog/inspections/service.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { refsOf } from "#lib/catalog/refs/service.ts";
import { mayKnowPair } from "#lib/catalog/units/who-may-see.ts";
import { requireWithinQuota } from "#lib/catalog/quotas/service.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, placeTime, toPage } from "#lib/page.ts";
import { countFacets } from "./facets.ts";
import { findFew } from "./few.ts";
import {
  changeRepo,
  findItem,
  hideRepo,
  insertRepo,
  placeOf,
  readHead,
  type RepoHead,
  selectRepos,
  selectWritable,
} from "./repository.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import {
  type NewRepo,
  type RepoChange,
  type RepoItem,
  type RepoList,
  type RepoPage,
  type RepoQuery,
} from "./schema.ts";
import { searchFor } from "./search.ts";
import type { Selection } from "./selection.ts";

/** An empty repo, and with it what `also` adds in the same transaction, or neither. @throws not_found, forbidden, bad_request, quota_exceeded; conflict, with the address of the repo that has the name */
export async function createRepo(
  actor: Actor,
  { owner, name, kind, visibility, base, license, summary, tags }: NewRepo,
  also: (transaction: Transaction, id: string) => Promise<void> = async () => {},
): Promise<RepoItem> {
  const namespace = await requireNamespace(actor, owner);
  const baseId = base === undefined ? null : await requireBase(actor, kind, base);
  const columns = {
    namespaceId: namespace.id,
    name,
    kind,
    visibility,
    baseId,
    license: license || null,
    summary: summary ?? "",
    tags: [...new Set(tags)],
  };
  const id = await inLockedTransaction(database(), async (transaction) => {
    const id = await insertRepo(transaction, columns);
    await requireWithinQuota(transaction, actor, { namespaceId: namespace.id }, { repos: 1 });
    await audit(transaction, actor, "repo.create", id, { name: `${namespace.name}/${name}`, kind, visibility });
    await also(transaction, id);
    return id;
  }).catch(async (cause: unknown) => {
    if (violatedRule(cause) !== "repo_name_unique_while_live") throw cause;
    throw await toTaken(actor, { owner: namespace.name, repo: name }, cause);
  });
  return getItem(actor, id);
}

async function toTaken(actor: Actor, name: RepoName, cause: unknown): Promise<AppError> {
  const taken = await requireRead(actor, name).catch(() => null);
  const detail = taken ? { url: `${env().publicUrl}/${taken.owner}/${taken.name}` } : {};
  return new AppError(
    "conflict",
    `There is a repo ${name.owner}/${name.repo} already; choose another name, or commit to that one.`,
    detail,
    cause,
  );
}

/** The id of a base that the actor may see. */
async function requireBase(actor: Actor, kind: RepoItem["kind"], fullName: string): Promise<string> {
  if (!can({ kind }, "hasBase"))
    throw new AppError(
      "bad_request",
      `It is ${aKind({ kind })}, which is not made for another base; leave that out, or make a fine-tune.`,
      {
        field: "base",
      },
    );
  const base = await requireRead(actor, toRepoName(fullName));
  if (!can(base, "isBase"))
    throw new AppError(
      "bad_request",
      `${base.owner}/${base.name} is ${aKind(base)}, not a base; name the base that it was made from.`,
      { field: "base" },
    );
  return base.id;
}

async function getItem(actor: Actor, id: string): Promise<RepoItem> {
  const item = await findItem(id, isVisible(actor, "b"));
  if (!item)
    throw new AppError("repo_not_found", "The repo was deleted meanwhile; nothing can be done with it any more.");
  return item;
}

const place = z.union([
  z.tuple([z.enum(["updated", "created"]), placeTime, z.uuid()]),
  z.tuple([z.literal("downloads"), z.int32(), z.uuid()]),
  z.tuple([z.literal("name"), storableText(96), z.uuid()]),
]);

/** What other hubs' clients narrow a list by, beside what ours do. */
interface MoreFilters {
  /** It has all of these. */
  readonly tags?: readonly string[];
  /** Only what draws pictures. */
  readonly draws?: boolean;
}

/** What the actor may see of all repos that have a commit. @throws bad_request for a cursor of another list */
export async function listRepos(actor: Actor, query: RepoQuery & MoreFilters): Promise<RepoList> {
  const { kind, owner, q = "", license, tag, tags = [], draws, measured, size, sort, cursor, limit } = query;
  const [ofSort, ...after] = cursor ? parseCursor(cursor, place) : [sort];
  if (ofSort !== sort)
    throw new AppError(
      "bad_request",
      "The cursor belongs to another order of this list; leave it out to begin at its start.",
      { field: "cursor" },
    );
  const base = query.base === undefined ? null : await requireRead(actor, toRepoName(query.base));
  const selection: Selection = {
    visible: visibleParts(actor, "r"),
    mayKnow: mayKnowPair(actor, "p"),
    baseVisible: isVisible(actor, "b"),
    otherVisible: isVisible(actor, "o"),
    kind,
    baseId: base?.id,
    owner,
    words: q.trim() === "" ? undefined : await searchFor(q),
    license,
    tags: tag === undefined ? tags : [tag, ...tags],
    draws,
    measured,
    size,
  };
  const [items, facets] = await Promise.all([
    selectRepos({ ...selection, few: await findFew(selection) }, sort, after.length === 2 ? after : null, limit + 1),
    query.facets ? countFacets(selection) : undefined,
  ]);
  return { ...toPage(items, limit, (last) => [sort, ...placeOf(sort, last)]), ...(facets && { facets }) };
}

const MAX_WRITABLE = 500; // to choose one from

/** What the actor may upload to under these names, the newest first; also what waits for its first commit, and is in no other list. */
export const listWritable = (
  actor: Actor,
  owners: readonly string[],
): Promise<{ name: string; kind: RepoItem["kind"] }[]> => selectWritable(isWritable(actor, "r"), owners, MAX_WRITABLE);

const MONTH = 30 * 86_400_000;

/** All that clients are told of it. @throws repo_not_found */
export const getRepo = async (actor: Actor, name: RepoName): Promise<RepoPage> =>
  (await getRepoAndCard(actor, name)).repo;

/** And where its card lies, for the page that shows it laid out. @throws repo_not_found */
export async function getRepoAndCard(
  actor: Actor,
  name: RepoName,
): Promise<{ readonly repo: RepoPage; readonly cardFile: RepoHead["card"] }> {
  const repo = await requireRead(actor, name);
  const [item, refs, { head, card, downloads }] = await Promise.all([
    getItem(actor, repo.id),
    refsOf(repo),
    readHead(repo.id, CARD_PATH, new Date(Date.now() - MONTH)),
  ]);
  const usage = { files: head?.files ?? 0, bytes: head?.bytes ?? 0, downloadsLastMonth: downloads };
  return {
    repo: {
      ...item,
      headCommit: head?.id ?? null,
      defaultBranch: repo.defaultBranch,
      card: card && (await showCard(card)),
      refs,
      head,
      usage,
    },
    cardFile: card,
  };
}

/** What is not there stays as it is. Only owners change who may see it. @throws repo_not_found, forbidden, bad_request */
export async function updateRepo(
  actor: Actor,
  name: RepoName,
  { visibility, base, license, summary, tags }: RepoChange,
): Promise<RepoItem> {
  const repo = await (visibility === undefined ? requireWrite : requireAdminister)(actor, name);
  const change = {
    ...(visibility !== undefined && { visibility }),
    ...(base !== undefined && { baseId: base === null ? null : await requireBase(actor, repo.kind, base) }),
    ...(license !== undefined && { license: license || null }),
    ...(summary !== undefined && { summary }),
    ...(tags !== undefined && { tags: [...new Set(tags)] }),
  };
  await inLockedTransaction(database(), async (transaction) => {
    if (!(await changeRepo(transaction, repo.id, change)))
      throw new AppError("repo_not_found", `${repo.owner}/${repo.name} was deleted meanwhile; nothing was changed.`);
    if (change.baseId !== undefined && change.baseId !== repo.baseId) await inspectAgain(transaction, repo.id);
    await audit(transaction, actor, "repo.update", repo.id, { changed: Object.keys(change) });
  });
  return getItem(actor, repo.id);
}

/** Hidden at once and its name free again; what it holds is removed after the grace. @throws repo_not_found, forbidden */
export async function deleteRepo(actor: Actor, name: RepoName): Promise<void> {
  const repo = await requireAdminister(actor, name);
  await inLockedTransaction(database(), async (transaction) => {
    if (await hideRepo(transaction, repo.id))
      await audit(transaction, actor, "repo.delete", repo.id, { name: `${repo.owner}/${repo.name}` });
  });
}

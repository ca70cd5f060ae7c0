import { z } from "zod";
import { requirePerson, requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { getBlob } from "#lib/catalog/blobs/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import type { UnitView } from "#lib/catalog/units/schema.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import type { Feed } from "#lib/queue/feed.ts";
import { type Page, parseCursor, placeTime, toPageOfLooked } from "#lib/page.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { estimateFor } from "./estimate.ts";
import { lookAtPreviews } from "./listing.ts";
import { type ImageRow, type PreviewRow, previewsOf, seenPreview, type SideRow } from "./repository.ts";
import type { Mode, Picture, PreviewItem, PreviewQuery, PreviewView, Progress } from "./schema.ts";

/** @throws not_found, also where it is there and may not be seen */
export async function requireSeen(actor: Actor, id: string): Promise<PreviewRow> {
  const row = await seenPreview(actor, id);
  if (!row)
    throw new AppError(
      "not_found",
      "There is no preview of that id that you may see; it may have been removed, or sign in as whoever asked for it.",
    );
  return row;
}

/** All of a preview: its place in the queue while it waits, how far it is while it is drawn, and every picture that is there. @throws not_found */
export async function getPreview(actor: Actor, id: string): Promise<PreviewView> {
  // Before the row: a picture is stored before the progress that says so, and whoever reads them in this order has it.
  const progress = (await progressOf("preview", [id])).get(id) as Progress | undefined;
  const row = await requireSeen(actor, id);
  const position = row.state === "queued" ? await queuePosition("preview", id) : null;
  const { ahead = 0, running = 0, workers = 0, problem = null } = position ?? {};
  return {
    ...toItem(actor, row),
    pictures: row.images.map((image) => ({ ...toPicture(id, image), recipe: image.recipe })),
    attempt: row.attempt,
    queue: position && { ahead, running, workers, problem },
    estimate: position && (await estimateFor(row.finetune.commitId, row.recipe, position)),
    progress: row.state === "running" ? (progress ?? null) : null,
    timings: row.timings,
  };
}

function toItem(actor: Actor, row: PreviewRow): PreviewItem {
  const { finetune: _, revision: _1, guide: _2, guideRevision: _3, ...settings } = row.recipe.asked;
  return {
    id: row.id,
    state: row.state,
    problem: row.problem,
    url: addressOf(row.id),
    unit: toUnit(row.unit),
    finetune: toSide(row.finetune),
    guide: row.guide && toSide(row.guide),
    ...settings,
    pictures: row.images.map((image) => toPicture(row.id, image)),
    isMine: actor.kind === "person" && row.userId === actor.userId,
    isAttached: row.isAttached,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt && row.finishedAt.toISOString(),
    expiresAt: row.expiresAt && row.expiresAt.toISOString(),
  };
}

const pathOf = (id: string): string => `/api/v1/previews/${id}`;
const addressOf = (id: string): string => env().publicUrl + pathOf(id);
const toSide = ({ commitId, owner, repo }: SideRow): PreviewItem["finetune"] => ({
  repo: `${owner}/${repo}`,
  commit: commitId,
});

/** The very commits that drew it. */
const toUnit = ({ hash, components }: PreviewRow["unit"]): UnitView => ({
  hash,
  components: components.map(({ commitId, owner, repo, ...part }) => ({
    ...part,
    ...toSide({ commitId, owner, repo }),
  })),
});

/** Which bytes the address of a picture names. */
const versionOf = ({ blobSha256 }: Pick<ImageRow, "blobSha256">): string => blobSha256.slice(0, 12);

/** From the slash on. */
export const pictureUrl = (id: string, image: Pick<ImageRow, "mode" | "blobSha256">): string =>
  `${pathOf(id)}/pictures/${image.mode}?v=${versionOf(image)}`;

const toPicture = (id: string, image: ImageRow): Picture => ({
  mode: image.mode,
  url: env().publicUrl + pictureUrl(id, image),
  width: image.width,
  height: image.height,
  passes: image.passes,
  seconds: image.milliseconds / 1000,
});

const place = z.tuple([placeTime, z.uuid()]);

/** For a page, those that may not be seen too: then it ends, however few are on it, and the next one goes on there. */
const MOST_LOOKED_AT = 200;

/** Newest first: your own, those of everybody that are shown on a model's page, for operators all; those of sheets only where asked for. @throws repo_not_found, unauthenticated */
export async function listPreviews(
  actor: Actor,
  { mine, attached, sheet, finetune, guide, cursor, limit }: PreviewQuery,
): Promise<Page<PreviewItem>> {
  const repoId = async (name: string | undefined) =>
    name === undefined ? undefined : (await requireRead(actor, toRepoName(name))).id;
  const at = cursor === undefined ? null : parseCursor(cursor, place);
  const selection = {
    userId: mine ? requirePerson(actor, "read").userId : undefined,
    isAttached: attached || undefined,
    isOfSheet: sheet || undefined,
    finetuneRepoId: await repoId(finetune),
    guideRepoId: await repoId(guide),
    after: at && ([new Date(at[0]), at[1]] as const),
  };
  const looked = await lookAtPreviews(actor, selection, MOST_LOOKED_AT);
  const { items, next } = toPageOfLooked(looked, limit, MOST_LOOKED_AT, (last) => [
    last.createdAt.toISOString(),
    last.id,
  ]);
  const rows = await previewsOf(items.map(({ id }) => id));
  return { items: rows.map((row) => toItem(actor, row)), next };
}

export interface FoundPicture {
  readonly sha256: string;
  readonly size: number;
  readonly storageKey: string;
  /** Whether these are the bytes that were asked for by their version. */
  readonly isVersion: boolean;
}

/** @throws not_found, also before it is drawn */
export async function findPicture(
  actor: Actor,
  id: string,
  mode: Mode,
  version: string | undefined,
): Promise<FoundPicture> {
  const image = (await requireSeen(actor, id)).images.find((one) => one.mode === mode);
  if (!image)
    throw new AppError(
      "not_found",
      `The picture ${mode} of this preview has not been drawn; look at what it has first.`,
      { mode },
    );
  const { sha256, size, storageKey } = await getBlob(image.blobSha256);
  return { sha256, size, storageKey, isVersion: version === versionOf(image) };
}

/**
 * How a preview moves, for whoever looks on:
 *
 *   state      all of it: at once, and when it moves or its place in the queue does
 *   progress   how far it is, with a coarse picture
 *   picture    one that has come
 *   end        its last state; nothing comes after it
 */
export const previewFeed = (actor: Actor, id: string): Feed<PreviewView> => ({
  id,
  read: () => getPreview(actor, id),
  changes(before, now) {
    const end = hasEnded(now) ? [{ name: "end", data: { state: now.state, problem: now.problem } }] : [];
    const state = [{ name: "state", data: now }];
    if (before === null) return [...state, ...end];
    const pictures = now.pictures
      .filter((picture) => !before.pictures.some(({ url }) => url === picture.url))
      .map((picture) => ({ name: "picture", data: picture }));
    if (differ(stateOf(before), stateOf(now))) return [...pictures, ...state, ...end];
    const progress =
      now.progress && differ(before.progress, now.progress) ? [{ name: "progress", data: now.progress }] : [];
    return [...pictures, ...progress];
  },
  hasEnded,
});

const hasEnded = (preview: PreviewView): boolean => !isUnfinished(preview);
const stateOf = ({ progress: _progress, pictures: _pictures, ...state }: PreviewView): object => state;
const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);

import type { Actor } from "#lib/auth/actor.ts";
import { getPairItem, getPairItems, requireSeen } from "#lib/catalog/pairs/views.ts";
import { type PreviewRow, seenColumns } from "#lib/catalog/previews/repository.ts";
import { type Mode, modes } from "#lib/catalog/previews/schema.ts";
import { pictureUrl } from "#lib/catalog/previews/views.ts";
import { quantile } from "#lib/util/quantile.ts";
import { cardRows, showcasePairs } from "./repository.ts";
import type { CardContent, CardPicture, Sheet, SheetPicture, SheetRow, Showcase } from "./schema.ts";

/** What the hub has drawn of a pair, and how much is still to come. @throws not_found */
export async function getSheet(actor: Actor, pairId: string): Promise<Sheet> {
  await requireSeen(actor, pairId);
  return readSheet(actor, pairId);
}

/** Of a pair that the actor is known to see. */
async function readSheet(actor: Actor, pairId: string): Promise<Sheet> {
  const rows = (await seenColumns(actor, pairId)).map(toSheetRow);
  const done = rows.filter(({ state }) => state === "succeeded");
  return { rows, done: done.length, total: rows.length, timings: timingsOf(done) };
}

function toSheetRow({ id, recipe, state, images, sheetIndex }: PreviewRow): SheetRow {
  const of = (mode: Mode): SheetPicture | null => {
    const image = images.find((one) => one.mode === mode);
    return image
      ? {
          mode,
          url: pictureUrl(id, image),
          width: image.width,
          height: image.height,
          passes: image.passes,
          seconds: image.milliseconds / 1000,
        }
      : null;
  };
  const { prompt, seed } = recipe.asked;
  return {
    preview: id,
    index: sheetIndex!,
    prompt,
    seed: Number(seed), // of the sheet's own list
    state,
    pictures: { conditional: of("conditional"), guide: of("guide"), cfg: of("cfg") },
  };
}

/** All modes of one seed are drawn one after the other on the same open networks, so what they took can be compared. */
function timingsOf(done: readonly SheetRow[]): Sheet["timings"] {
  if (done.length === 0) return null;
  const of = (mode: Mode) => {
    const drawn = done.flatMap(({ pictures }) => pictures[mode] ?? []);
    const seconds = drawn.map((picture) => picture.seconds).toSorted((a, b) => a - b);
    const at = (share: number): number => quantile(seconds, share);
    return { passes: drawn[0]?.passes ?? 0, seconds: at(0.5), low: at(0.25), high: at(0.75), n: seconds.length };
  };
  const [conditional, guide, cfg] = modes.map(of);
  return { conditional: conditional!, guide: guide!, cfg: cfg! };
}

/** Pictures for the cards of some repos, at most `count` of each. */
export async function picturesOf(
  actor: Actor,
  repoIds: readonly string[],
  count = 4,
): Promise<ReadonlyMap<string, CardPicture[]>> {
  const rows = repoIds.length === 0 ? [] : await cardRows(actor, repoIds, count);
  const cards = Map.groupBy(rows, ({ repoId }) => repoId);
  return new Map(
    [...cards].map(([id, all]) => [
      id,
      all.map(({ previewId, blobSha256, seed, repoId: _repoId, ...card }) => ({
        ...card,
        seed: Number(seed),
        url: pictureUrl(previewId, { mode: "guide", blobSha256 }),
      })),
    ]),
  );
}

/** What the cards of some repos show, where there is anything to show. */
export async function cardsOf(actor: Actor, repoIds: readonly string[]): Promise<ReadonlyMap<string, CardContent>> {
  const pictures = await picturesOf(actor, repoIds);
  const pairs = await getPairItems(
    actor,
    [...pictures.values()].flatMap(([first]) => first?.pairId ?? []),
  );
  return new Map(
    [...pictures].map(([id, all]) => [id, { pictures: all, best: pairs.get(all[0]?.pairId ?? "") ?? null }]),
  );
}

const LOOKED_AT = 3; // the best may be stale for a reason that the database does not know

/** The pair that shows best what a guide does: of those that were measured here, drawn whole and may be seen. Null before the first. */
export async function showcase(actor: Actor): Promise<Showcase | null> {
  for (const { id } of await showcasePairs(actor, LOOKED_AT)) {
    const pair = await getPairItem(actor, id);
    if (pair && pair.stale === null) return { pair, sheet: await readSheet(actor, id) };
  }
  return null;
}

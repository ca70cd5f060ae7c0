import { createHash } from "node:crypto";
import { partsOf } from "#lib/catalog/models/service.ts";
import { needToDraw } from "#lib/catalog/models/needs.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import type { JobLane, Priority } from "#lib/queue/jobs.ts";
import type { Need } from "#lib/queue/room.ts";
import type { PreviewToAdd } from "./repository.ts";
import { type Drawing, passesFor, type StoredRecipe } from "./schema.ts";

/** Asks for the pictures of a row that was just added, in the same transaction. */
export const askForPreview = async (
  transaction: Transaction,
  { id, recipe }: Pick<PreviewToAdd, "id" | "recipe">,
  priority: Priority,
  userId: string | null,
): Promise<void> =>
  enqueue(transaction, {
    kind: "preview",
    subjectId: id,
    priority,
    userId,
    lane: laneOf(recipe),
    modelKey: modelKeyOf(recipe),
    work: workOf(recipe),
    need: await needOf(recipe, transaction),
  });

async function needOf({ base, guide, lowRank, asked }: StoredRecipe, transaction: Transaction): Promise<Need | null> {
  const parts = await partsOf(
    base.commitId,
    guide?.commitId ?? null,
    lowRank.map(({ commitId }) => commitId),
    transaction,
  );
  return parts && needToDraw(parts, asked);
}

const USUAL_PIXELS = 512 * 512;

/** What opening networks and reading the prompt is worth, in passes. */
const BESIDES_PASSES = 10;

/** Passes through the network, at a size that most draw. */
export function workOf(drawing: Drawing): number {
  const { width, height } = drawing.asked;
  const larger = width === null || height === null ? 1 : (width * height) / USUAL_PIXELS;
  return BESIDES_PASSES + larger * passesFor(drawing);
}

/** Three pictures of 50 steps at the usual size are 200 passes. */
const LONG_WORK = 400;

/** What is much more than most ask for makes room for what they do. */
export const laneOf = (drawing: Drawing): JobLane => (workOf(drawing) > LONG_WORK ? "minutes" : "seconds");

/** The same for two previews that one worker draws without opening a model again. */
export function modelKeyOf({ base, lowRank }: Pick<StoredRecipe, "base" | "lowRank">): string {
  const what = [
    base.commitId,
    ...lowRank.map(({ commitId, path, strength, textStrength }) => [commitId, path, strength, textStrength ?? null]),
  ];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type ReadableRepo, requirePerson, requireRead, requireWrite, seesAll } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import { requireRuns, runnableModel } from "#lib/catalog/models/service.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { unitOfRecipe } from "#lib/catalog/units/service.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { structureMismatches } from "#lib/pairing/signature.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import {
  attachRow,
  deletePreview as deleteRow,
  insertPreview,
  knownPreview,
  type PreviewRow,
  type PreviewToAdd,
} from "./repository.ts";
import { askForPreview } from "./ask.ts";
import { lorasOf } from "./prompt-loras.ts";
import type { Asked, NewPreview, PreviewView, StoredRecipe } from "./schema.ts";
import { refused, requireSettings } from "./settings.ts";
import { getPreview, requireSeen } from "./views.ts";

/**
 * Asks for the pictures of one seed: conditional, with the guide, with CFG. Needs the scope `run`, and both repos readable. Asked again
 * under the same id it shows the same preview. Without a worker it waits, and says so.
 *
 * @throws repo_not_found, revision_not_found, upload_not_ready, unsupported_model, bad_request, queue_full;
 *   pair_does_not_fit, with what differs; conflict where the id is that of another preview
 */
export async function createPreview(actor: Actor, { id = randomUUID(), ...given }: NewPreview): Promise<PreviewView> {
  const userId = whoRuns(actor);
  const asked = { ...given, negativePrompt: given.negativePrompt || null };
  const known = await again(actor, userId, id, asked);
  if (known) return known;
  requireSettings(asked);
  const finetune = await commitOf(actor, asked.finetune, asked.revision);
  const guide = asked.guide === null ? null : await commitOf(actor, asked.guide, asked.guideRevision);
  requireKinds(finetune.repo, guide?.repo ?? null);
  const model = await runnableModel(finetune.commitId);
  if (model.lowRank.length === 0 && asked.loraStrength !== 1)
    throw refused("loraStrength", `${asked.finetune} is no LoRA, and has no strength; leave it out.`);
  await requireBase(actor, [model.base.commitId]);
  const recipe = {
    asked,
    base: model.base,
    ...(await lorasOf(actor, asked, model)),
    guide: guide && (await fittingGuide(guide, model.base, asked)),
  };
  return put(actor, {
    id,
    userId,
    unit: await unitOfRecipe(recipe),
    finetuneCommitId: finetune.commitId,
    guideCommitId: guide?.commitId ?? null,
    recipe,
  });
}

/** The same pictures again, from the same commits, as a preview of whoever asks. @throws not_found, queue_full, conflict */
export async function rerunPreview(
  actor: Actor,
  of: string,
  { id = randomUUID() }: { readonly id?: string | undefined },
): Promise<PreviewView> {
  const userId = whoRuns(actor);
  const { recipe, finetune, guide } = await requireSeen(actor, of);
  const asked = {
    ...recipe.asked,
    revision: finetune.commitId,
    guideRevision: guide?.commitId ?? recipe.asked.guideRevision,
  };
  const known = await again(actor, userId, id, asked);
  if (known) return known;
  return put(actor, {
    id,
    userId,
    unit: await unitOfRecipe(recipe),
    finetuneCommitId: finetune.commitId,
    guideCommitId: guide?.commitId ?? null,
    recipe: { ...recipe, asked },
  });
}

/** Row and job, or neither. */
async function put(actor: Actor, preview: PreviewToAdd): Promise<PreviewView> {
  const { id, userId, recipe } = preview;
  await inLockedTransaction(database(), async (transaction) => {
    if (await insertPreview(transaction, preview)) await askForPreview(transaction, preview, "person", userId ?? null);
  });
  return (await again(actor, userId, id, recipe.asked))!; // or that of a request that was quicker with this id
}

/** What somebody asked for before under this id; null where nobody did. */
async function again(actor: Actor, userId: string | undefined, id: string, asked: Asked): Promise<PreviewView | null> {
  const known = await knownPreview(id);
  if (!known) return null;
  if (known.userId === (userId ?? null) && isDeepStrictEqual(known.recipe.asked, asked))
    return getPreview(asAsker(actor), id);
  throw new AppError("conflict", `The id ${id} is that of another preview; choose another, or leave it out.`, { id });
}

/** A token that may only run is told what it has just asked for, if of nothing else. */
const asAsker = (actor: Actor): Actor =>
  actor.kind === "person" ? { ...actor, isOperator: false, scopes: new Set([...actor.scopes, "read"]) } : actor;

const whoRuns = (actor: Actor): string | undefined =>
  actor.kind === "hub" ? undefined : requirePerson(actor, "run").userId;

interface Commit {
  readonly repo: ReadableRepo;
  readonly commitId: string;
}

async function commitOf(actor: Actor, name: string, revision: string): Promise<Commit> {
  const repo = await requireRead(actor, toRepoName(name));
  return { repo, ...(await resolveRevision(repo, revision)) };
}

function requireKinds(finetune: ReadableRepo, guide: ReadableRepo | null): void {
  if (!can(finetune, "draws"))
    throw new AppError(
      "bad_request",
      `${finetune.owner}/${finetune.name} is ${aKind(finetune)}, which draws nothing by itself; name a fine-tune or base${can(finetune, "guides") ? ", and give this as the guide" : ""}.`,
      { field: "finetune" },
    );
  if (guide && !can(guide, "guides"))
    throw new AppError("bad_request", `${guide.owner}/${guide.name} is no guide; name one, or leave the guide out.`, {
      field: "guide",
    });
}

/** A low-rank fine-tune may be public and its base not. */
async function requireBase(actor: Actor, commitIds: readonly string[]): Promise<void> {
  if ((await readableCommits(actor, commitIds)).size < commitIds.length)
    throw new AppError(
      "repo_not_found",
      "The base that this runs on is gone, or you may not see it; ask whoever uploaded the model.",
    );
}

/** The guide, as it is laid out beside the model. @throws pair_does_not_fit; bad_request where it was not trained on this guidance */
async function fittingGuide(
  { repo, commitId }: Commit,
  base: StoredRecipe["base"],
  { guide: shown, finetune, guidanceScale }: Asked,
): Promise<NonNullable<StoredRecipe["guide"]>> {
  const { facts } = await requireRuns(commitId, shown!);
  const model = await requireRuns(base.commitId, base.name);
  const reasons = structureMismatches(signatureOf(facts), signatureOf(model.facts));
  if (reasons.length > 0)
    throw new AppError(
      "pair_does_not_fit",
      `The guide ${shown} cannot run on ${finetune}: ${reasons.join("; ")}. Choose a guide made for its base.`,
      { reasons },
    );
  const { minGuidance, maxGuidance } = facts.guide!;
  if (guidanceScale !== 1 && (guidanceScale < minGuidance || guidanceScale > maxGuidance)) {
    throw new AppError(
      "bad_request",
      `Guidance ${guidanceScale} is outside ${minGuidance} to ${maxGuidance}, the range this guide was trained on; choose a value inside it.`,
      { field: "guidanceScale", minGuidance, maxGuidance },
    );
  }
  return { commitId, name: repo.name, path: facts.mainFile! };
}

/** What runs has one. */
const signatureOf = ({ signature }: StoredFacts): NonNullable<StoredFacts["signature"]> => signature!;

/** For who asked for it, and operators. What is drawn already stays. @throws not_found, forbidden, already_ended */
export async function cancelPreview(actor: Actor, id: string): Promise<PreviewView> {
  const { state } = await requireOwn(actor, id);
  if (state !== "cancelled") {
    await inLockedTransaction(database(), async (transaction) => {
      if (!(await cancelJob(transaction, "preview", id)))
        throw new AppError("already_ended", "This preview has ended; there is nothing to cancel.");
    });
  }
  return getPreview(actor, id);
}

/** For who asked for it, and operators. @throws not_found, forbidden; conflict while it is shown on a model's page */
export async function deletePreview(actor: Actor, id: string): Promise<void> {
  await requireOwn(actor, id);
  await inLockedTransaction(database(), async (transaction) => {
    await cancelJob(transaction, "preview", id);
    if (!(await deleteRow(transaction, id)))
      throw new AppError("conflict", "This preview is shown on its model's page; take it off there first.");
  });
}

/** Shows a preview on its model's page, where it is kept, or takes it off. For who may write to the model's repo. @throws not_found, forbidden; conflict before it has succeeded */
export async function attachPreview(
  actor: Actor,
  id: string,
  { attached }: { readonly attached: boolean },
): Promise<PreviewView> {
  const { finetune } = await requireSeen(actor, id);
  const repo = await requireWrite(actor, finetune);
  await inLockedTransaction(database(), async (transaction) => {
    if (!(await attachRow(transaction, id, attached)))
      throw new AppError(
        "conflict",
        "Only a preview of somebody that has all its pictures can be shown on a model's page; wait for it, or run it again.",
      );
    await audit(transaction, actor, "preview.attach", id, { attached, repoId: repo.id });
  });
  return getPreview(actor, id);
}

async function requireOwn(actor: Actor, id: string): Promise<PreviewRow> {
  whoRuns(actor);
  const row = await requireSeen(actor, id);
  if (seesAll(actor) || (actor.kind === "person" && actor.scopes.has("read") && row.userId === actor.userId))
    return row;
  throw new AppError(
    "forbidden",
    "Only who asked for a preview may do this, not with a token that may not read; run it again to have one of your own.",
  );
}

import { type RepoName, requirePerson, requireRead, requireWrite } from "#lib/auth/access.ts";
import { type Actor, hub } from "#lib/auth/actor.ts";
import { askForCurve } from "./study-ask.ts";
import { headOf } from "#lib/catalog/commits/service.ts";
import { needToMeasure } from "#lib/catalog/models/needs.ts";
import { partsOf, requireRuns } from "#lib/catalog/models/service.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { unitsOfCommits } from "#lib/catalog/units/service.ts";
import type { Unit } from "#lib/catalog/units/unit.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, inTransaction, type Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { protocolKey } from "#lib/pairing/protocol.ts";
import { cancelJob, ownerOf } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import type { Priority } from "#lib/queue/jobs.ts";
import type { Need } from "#lib/queue/room.ts";
import { tryOf } from "#lib/catalog/periods/service.ts";
import { duePairs } from "./due.ts";
import { judgesOf, type PairJudges } from "./judges.ts";
import { workOf } from "./looks.ts";
import { type Model, modelOfInspection, modelOfRepo } from "./models.ts";
import { deletePair, insertPair, moveTo, type NewPair, pairOfKey } from "./repository.ts";
import { type NewCheck, type PairView, UNJUDGED_PROMPTS } from "./schema.ts";
import type { StudyKind } from "./study-schema.ts";
import { getPair, requireSeen } from "./views.ts";

/** At once, in one transaction of some seconds. */
const MAX_CHECKS = 200;

/**
 * A model or a guide was inspected: it is to be measured with everything that it may pair with, unless these very weights have been.
 * `isAwaited`: a person who just uploaded it waits. A guide is then first measured on its own base. Stops where too many wait for the same
 * person; what is left can be asked for one by one.
 */
export async function requestChecks(
  transaction: Transaction,
  inspectionId: string,
  { isAwaited, userId }: { readonly isAwaited: boolean; readonly userId: string | null },
): Promise<void> {
  const model = await modelOfInspection(transaction, inspectionId);
  if (!model) return;
  const judges = await judgesOf(model.baseRepoId, transaction);
  const due = await duePairs(transaction, model, inspectionId, protocolKey(judges), MAX_CHECKS);
  const units = await unitsOfCommits(
    due.map(({ finetune }) => finetune.commitId),
    1,
    transaction,
  );
  for (const { finetune, guide } of due) {
    const isFirst = can(model, "guides") ? can(finetune, "isBase") : finetune.repoId === model.repoId;
    const unit = units.get(finetune.commitId);
    if (!unit) continue;
    const id = await request(
      transaction,
      newPair(unit, finetune, guide, judges),
      isAwaited && isFirst ? "upload" : "batch",
      userId,
    ).catch(unlessFull);
    if (id === null) return;
  }
}

/**
 * Somebody asks for a measurement; needs the scope `run`, and both repos readable. Where the plan for these weights has ended, that is
 * returned: asking again draws no other prompts. Its curve is asked for where there is none. One that waits as a batch now goes before
 * others; one that failed goes on from its last look.
 *
 * @throws pair_does_not_fit, upload_not_ready, unsupported_model, queue_full
 */
export async function requestCheck(actor: Actor, check: NewCheck): Promise<PairView> {
  return getPair(actor, await askFor(actor, check, "person"), false);
}

/** The hub measures what it has old evidence of. @throws as `requestCheck` */
export const requestRerun = (check: NewCheck): Promise<string> => askFor(hub, check, "batch");

async function askFor(
  actor: Actor,
  { finetune, guide, loraStrength = 1 }: NewCheck,
  priority: Priority,
): Promise<string> {
  const userId = actor.kind === "hub" ? undefined : requirePerson(actor, "run").userId;
  const model = await requireModel(actor, toRepoName(finetune), "draws");
  const guideModel = await requireModel(actor, toRepoName(guide), "guides");
  if (model.contract !== guideModel.contract) {
    throw new AppError(
      "pair_does_not_fit",
      `The guide ${guide} was made for ${guideModel.contract}, and ${finetune} is ${model.contract}; choose a guide made for its base.`,
      { guide: guideModel.contract, model: model.contract },
    );
  }
  const judges = await judgesOf(guideModel.baseRepoId ?? model.baseRepoId);
  const unit = await requireUnit(model.commitId, finetune, loraStrength);
  await requireReadable(actor, [...unit.components.map(({ commitId }) => commitId), judges.commitId]);
  const pair = newPair(unit, model, guideModel, judges);
  const id = await inTransaction(database(), async (transaction) => {
    const known = await pairOfKey(transaction, { ...pair, unitHash: unit.hash });
    if (!known) return request(transaction, pair, priority, userId, priority === "batch");
    const hasEnded = known.state === "succeeded" && (known.summary.measured?.next ?? null) === null;
    if (hasEnded) await askForCurve(transaction, known, userId ?? null);
    if (known.state === "running" || hasEnded) return known.id;
    const drawn = await drawnFor(transaction, pair);
    const goesOn = drawn.period === known.period; // else what it drew cannot be drawn on
    const again = { ...pair, ...drawn, summary: goesOn ? known.summary : pair.summary };
    if (known.state !== "queued" || !goesOn) await moveTo(transaction, known.id, again);
    await ask(transaction, known.id, again, priority, userId);
    return known.id;
  });
  return id!;
}

/** The same once more, of what the two repos are today. @throws as `requestCheck` */
export async function checkAgain(actor: Actor, id: string): Promise<PairView> {
  const { unit, finetune, guide } = await requireSeen(actor, id);
  const strength = unit.components.length > 1 ? unit.components.at(-1)!.strength : 1;
  return requestCheck(actor, { finetune: finetune.repo, guide: guide.repo, loraStrength: strength });
}

/** For who waits for it, and for who may write to either repo. @throws already_ended */
export async function cancelPair(actor: Actor, id: string): Promise<PairView> {
  await cancelOf(actor, id, { kind: "check", subjectId: id });
  return getPair(actor, id, false);
}

/** Any job that is about a pair. @throws already_ended */
export async function cancelOf(
  actor: Actor,
  pairId: string,
  job: { readonly kind: "check" | StudyKind; readonly subjectId: string },
): Promise<void> {
  const { finetune, guide } = await requireSeen(actor, pairId);
  if (actor.kind !== "hub") {
    const { userId } = requirePerson(actor, "run");
    const isTheirs = (await ownerOf(database(), job)) === userId;
    if (!isTheirs)
      await requireWrite(actor, toRepoName(finetune.repo)).catch(() => requireWrite(actor, toRepoName(guide.repo)));
  }
  await inLockedTransaction(database(), async (transaction) => {
    if (!(await cancelJob(transaction, job.kind, job.subjectId)))
      throw new AppError("already_ended", "This measurement has ended; there is nothing to cancel.");
  });
}

/** @returns the id of the new row; null where there is one for these weights already */
async function request(
  transaction: Transaction,
  pair: NewPair,
  priority: Priority,
  userId: string | null | undefined,
  isRerun = false,
): Promise<string | null> {
  const id = await insertPair(transaction, { ...pair, ...(await drawnFor(transaction, pair)), isRerun });
  if (id === null) return null;
  try {
    await ask(transaction, id, pair, priority, userId);
  } catch (failure) {
    await deletePair(transaction, id).catch(() => {}); // without its job it would wait for ever
    throw failure;
  }
  return id;
}

async function drawnFor(
  transaction: Transaction,
  { unit, guideWeightsSha256, guideCommitId }: NewPair,
): Promise<{ period: number; tries: number }> {
  const components = unit.components.map(({ weightsSha256 }) => weightsSha256);
  const key = { unitHash: unit.hash, guideWeightsSha256 };
  const { period, number } = await tryOf(transaction, key, { components, guideCommitId });
  return { period, tries: number };
}

const ask = async (
  transaction: Transaction,
  id: string,
  { unit, guideCommitId, summary }: NewPair,
  priority: Priority,
  userId: string | null | undefined,
): Promise<void> =>
  enqueue(transaction, {
    kind: "check",
    subjectId: id,
    priority,
    userId,
    modelKey: unit.hash,
    work: workOf(summary),
    need: await needOf(transaction, unit, guideCommitId, summary.request.pictures),
  });

async function needOf(
  transaction: Transaction,
  { components: [base, ...lowRank] }: Unit,
  guideCommitId: string,
  pictures: number,
): Promise<Need | null> {
  const parts = await partsOf(
    base!.commitId,
    guideCommitId,
    lowRank.map(({ commitId }) => commitId),
    transaction,
  );
  return parts && needToMeasure(parts, pictures);
}

function newPair(unit: Unit, finetune: Model, guide: Model, judges: PairJudges): NewPair {
  const pictures = judges.evaluators.length === 0 ? UNJUDGED_PROMPTS : firstLook.prompts;
  return {
    unit,
    guideWeightsSha256: guide.weightsSha256,
    finetuneCommitId: finetune.commitId,
    guideCommitId: guide.commitId,
    judgeCommitId: judges.commitId,
    protocol: protocolKey(judges),
    summary: { request: { pictures, evaluators: [...judges.evaluators] } },
  };
}

async function requireUnit(commitId: string, shown: string, loraStrength: number): Promise<Unit> {
  const unit = (await unitsOfCommits([commitId], loraStrength)).get(commitId);
  if (!unit) throw new AppError("upload_not_ready", `${shown} has just changed; try again in a moment.`);
  if (loraStrength !== 1 && unit.components.length === 1)
    throw new AppError("bad_request", `${shown} is no LoRA, and has no strength; leave it out.`, {
      field: "loraStrength",
    });
  return unit;
}

/** A low-rank fine-tune and a guide may be public and the base that they are made for not. @throws repo_not_found */
async function requireReadable(actor: Actor, commitIds: readonly (string | null)[]): Promise<void> {
  const ids = [...new Set(commitIds.filter((id) => id !== null))];
  if ((await readableCommits(actor, ids)).size < ids.length)
    throw new AppError(
      "repo_not_found",
      "The base that this is measured on is gone, or you may not see it; ask whoever uploaded the model.",
    );
}

function unlessFull(failure: unknown): null {
  if (failure instanceof AppError && failure.code === "queue_full") return null;
  throw failure;
}

async function requireModel(actor: Actor, name: RepoName, as: "draws" | "guides"): Promise<Model> {
  const repo = await requireRead(actor, name);
  const shown = `${repo.owner}/${repo.name}`;
  if (!can(repo, as))
    throw new AppError(
      "bad_request",
      `${shown} is ${aKind(repo)}, and ${as === "draws" ? "draws" : "guides"} nothing; name a model that draws, and a guide.`,
      { kind: repo.kind },
    );
  const model = await modelOfRepo(repo.id);
  if (model) return model;
  const head = await headOf(repo.id);
  if (head === null) throw new AppError("unsupported_model", `${shown} has no files yet; upload some.`);
  await requireRuns(head, shown);
  throw new AppError("upload_not_ready", `${shown} has just changed; try again in a moment.`);
}

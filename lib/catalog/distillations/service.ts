import { randomUUID } from "node:crypto";
import { type ReadableRepo, requireNamespace, requirePerson, requireRead, requireWriteById } from "#lib/auth/access.ts";
import type { Actor, Person } from "#lib/auth/actor.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { requireRuns } from "#lib/catalog/models/service.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { type GuideChoice, requireGuidance, requireRoom, shareOf, usualChoice } from "#lib/pairing/guide-choice.ts";
import { cancelJob, forgetCheckpoint } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { needAt } from "#lib/catalog/models/needs.ts";
import { requireNoMorePublic } from "./no-more-public.ts";
import { forgetKept, forgetSteps, insertDistillation, markPaused, secondsOfWork, setAsker } from "./repository.ts";
import type { CostQuery, DistillationCost, DistillationView, NewDistillation, StoredAsked } from "./schema.ts";
import { getDistillation, requireSeen } from "./views.ts";

/** Why somebody may not begin one here; null where they may. */
export function whyNotAllowed(actor: Actor): string | null {
  const { distil } = env();
  if (distil === "nobody")
    return "On this hub nobody makes guides; make one on your own machine: npx guidepost distill.";
  if (distil === "operators" && !(actor.kind === "person" && actor.isOperator))
    return "On this hub only operators make guides; ask one of them, or make one on your own machine: npx guidepost distill.";
  return null;
}

function requireAllowed(actor: Actor): Person {
  const person = requirePerson(actor, "run");
  const why = whyNotAllowed(person);
  if (why !== null) throw new AppError("forbidden", why);
  return person;
}

/**
 * Begins to make a guide of a base: the repo in which it will be published is there at once, empty. Needs the scopes `run` and `write`, the
 * base readable and the operator's leave.
 *
 * @throws repo_not_found, revision_not_found, upload_not_ready, unsupported_model, bad_request, forbidden; conflict where the name is in
 *   use; quota_exceeded, queue_full, rate_limited, too_little_memory
 */
export async function createDistillation(actor: Actor, asked: NewDistillation): Promise<DistillationView> {
  const person = requireAllowed(actor);
  await requireNamespace(actor, asked.owner);
  const base = await baseOf(actor, asked.base, asked.revision);
  requirePrompts(asked.prompts);
  requireGuidance(asked.guidance);
  const stored: StoredAsked = { choice: choiceOf(asked), prompts: asked.prompts && asked.prompts.map(toLine) };
  requireOwnRoom(base, stored.choice);
  const id = randomUUID();
  await createRepo(
    actor,
    {
      owner: asked.owner,
      name: asked.name,
      kind: "guide",
      visibility: visibilityFor(asked, base.repo),
      base: asked.base,
      summary: "A guide that is being made on this hub.",
    },
    async (transaction, repoId) => {
      const work = workOf(base.costs, stored.choice);
      const row = { id, repoId, userId: person.userId, baseCommitId: base.commitId, asked: stored, work };
      await insertDistillation(transaction, row);
      await ask(transaction, { id, userId: person.userId, base, choice: stored.choice, goesOn: false });
    },
  );
  return getDistillation(actor, id);
}

/** What it would cost. For whoever may see the base. @throws as createDistillation says of a base and a share */
export async function costOf(actor: Actor, { base: name, revision, ...asked }: CostQuery): Promise<DistillationCost> {
  const base = await baseOf(actor, name, revision);
  const choice = { ...usualChoice, ...asked };
  requireOwnRoom(base, choice);
  const share = shareOf(choice);
  const { bytes, parameters } = costAt(base.costs, choice);
  const macs = macsOf(base.costs, choice);
  const rate = await secondsOfWork();
  const seconds = rate === null ? null : Math.round(rate * ((macs.states + macs.training) / TERA));
  return { parameters, share, memory: bytes, macs, seconds };
}

/** Keeps what its last checkpoint has, and works on it no more. For writers of the guide's repo. @throws not_found, forbidden, already_ended */
export async function pauseDistillation(actor: Actor, id: string): Promise<DistillationView> {
  await requireOwn(actor, id);
  await inLockedTransaction(database(), async (transaction) => {
    if (!(await cancelJob(transaction, "distill", id, { message: "Paused.", keepsCheckpoint: true })))
      throw new AppError("already_ended", "Nothing works on this and nothing waits; there is nothing to pause.");
    await markPaused(transaction, id);
  });
  return getDistillation(actor, id);
}

/**
 * Goes on from the last checkpoint with what was paused or has failed, and begins anew with what was cancelled.
 * @throws not_found, forbidden; conflict where it is at work, done, or its base gone; queue_full, rate_limited, too_little_memory
 */
export async function resumeDistillation(actor: Actor, id: string): Promise<DistillationView> {
  const { userId } = requireAllowed(actor);
  const row = await requireOwn(actor, id);
  if (isUnfinished(row))
    throw new AppError("conflict", "It is at work already, or waits to be; there is nothing to resume.");
  if (row.state === "succeeded")
    throw new AppError("conflict", `It is done; its guide is in ${row.guide}. Begin another under another name.`);
  if (row.base === null || row.baseCommitId === null)
    throw new AppError(
      "conflict",
      "The base that this was begun with is gone, or you may not see it any more; begin another from a base that is there.",
    );
  const base = await baseOf(actor, row.base, row.baseCommitId);
  requireNoMorePublic(await requireWriteById(actor, row.repoId), base.repo);
  const goesOn = row.state === "failed" || row.pausedAt !== null;
  await inLockedTransaction(database(), async (transaction) => {
    await setAsker(transaction, id, userId);
    if (!goesOn) await forgetSteps(transaction, id);
    await ask(transaction, { id, userId, base, choice: row.asked.choice, goesOn });
  });
  return getDistillation(actor, id);
}

/** Ends it with all that was kept; the guide's repo stays as it is. @throws not_found, forbidden, already_ended */
export async function cancelDistillation(actor: Actor, id: string): Promise<DistillationView> {
  const row = await requireOwn(actor, id);
  await inLockedTransaction(database(), async (transaction) => {
    const wasAtWork = await cancelJob(transaction, "distill", id);
    if (!wasAtWork && row.pausedAt === null)
      throw new AppError("already_ended", "This has ended; there is nothing to cancel.");
    await forgetCheckpoint(transaction, "distill", id);
    await forgetKept(transaction, id);
  });
  return getDistillation(actor, id);
}

/** Who may write to the repo in which it is published. */
async function requireOwn(actor: Actor, id: string) {
  const row = await requireSeen(actor, id);
  if (actor.kind !== "hub") requirePerson(actor, "run");
  await requireWriteById(actor, row.repoId);
  return row;
}

interface Base {
  readonly repo: ReadableRepo;
  readonly name: string;
  readonly commitId: string;
  readonly weightsSha256: string | null;
  readonly costs: Costs;
}

type Costs = NonNullable<StoredFacts["distilling"]>;

/** @throws repo_not_found, revision_not_found; unsupported_model where no guide is made of it */
async function baseOf(actor: Actor, name: string, revision: string): Promise<Base> {
  const repo = await requireRead(actor, toRepoName(name));
  const { commitId } = await resolveRevision(repo, revision);
  if (!can(repo, "isBase")) throw new AppError("unsupported_model", notABase(repo), { field: "base" });
  const { facts, weightsSha256 } = await requireRuns(commitId, name);
  if (facts.kind === "low-rank fine-tune")
    throw new AppError(
      "unsupported_model",
      `${name} is a low-rank fine-tune, which changes a base and draws nothing by itself; distil its base.`,
      { field: "base" },
    );
  const { distilling } = facts;
  if (distilling === null)
    throw new AppError(
      "unsupported_model",
      `${name} has no UNet of which a guide could be made, or was read by an older version of this hub; if it has one, let it be inspected again in its settings.`,
      { field: "base" },
    );
  if (distilling.problem !== null)
    throw new AppError("unsupported_model", `${distilling.problem}; choose another base.`, { field: "base" });
  return { repo, name, commitId, weightsSha256, costs: distilling };
}

const notABase = (repo: ReadableRepo): string =>
  `${repo.owner}/${repo.name} is ${aKind(repo)}, and a guide is made of a base; ${
    can(repo, "draws") ? "distil the base that it was made from, and the guide works on it too" : "name a base"
  }.`;

function requirePrompts(prompts: NewDistillation["prompts"]): void {
  if (prompts === null || prompts.some((prompt) => prompt.trim() !== "")) return;
  throw new AppError(
    "bad_request",
    "The list of prompts is empty, and the base is asked to draw some; write one a line, or leave the list out for the usual ones.",
    { field: "prompts" },
  );
}

const toLine = (prompt: string): string => prompt.replaceAll(/\s+/g, " ").trim();

const choiceOf = ({
  kind,
  share,
  guidance,
  steps,
  batch,
  trajectories,
  learningRate,
  seed,
}: NewDistillation): GuideChoice => ({
  kind,
  share,
  guidance,
  steps,
  trajectories,
  learningRate,
  seed,
  batch,
});

function requireOwnRoom({ name, costs }: Base, choice: Pick<GuideChoice, "kind" | "share">): void {
  requireRoom(shareOf(choice), { name, ...costs }, (enough) => `ask for a share of ${enough} or more`);
}

/** A guide of a private base tells of it. */
function visibilityFor({ visibility }: NewDistillation, base: ReadableRepo): ReadableRepo["visibility"] {
  const wanted = visibility ?? base.visibility;
  if (wanted === "public" && base.visibility === "private")
    throw new AppError(
      "bad_request",
      "The base is private, and a guide carries what it learned from it; make the guide private, and change that later if you may.",
      { field: "visibility" },
    );
  return wanted;
}

const TERA = 1e12;

const macsOf = (costs: Costs, choice: GuideChoice) => ({
  states: choice.trajectories * costs.walkMacs,
  training: choice.steps * choice.batch * costAt(costs, choice).macs,
});

function workOf(costs: Costs, choice: GuideChoice): number {
  const { states, training } = macsOf(costs, choice);
  return Math.max(1e-6, (states + training) / TERA);
}

/** At the largest share that was worked out and is not above its own, else at the least. A guide is small beside what trains it. */
function costAt({ shares }: Costs, choice: Pick<GuideChoice, "kind" | "share" | "batch">) {
  const share = shareOf(choice);
  const { parameters, macs, batches } = shares.findLast(({ at }) => at <= share) ?? shares[0]!;
  const { peak, bytes, stage } = needAt(batches, choice.batch);
  return { parameters, macs, bytes: peak, what: `${showBytes(bytes)} of it for ${stage}` };
}

interface Asking {
  readonly id: string;
  readonly userId: string;
  readonly base: Base;
  readonly choice: GuideChoice;
  readonly goesOn: boolean;
}

async function ask(transaction: Transaction, { id, userId, base, choice, goesOn }: Asking): Promise<void> {
  const { bytes, what } = costAt(base.costs, choice);
  await enqueue(transaction, {
    kind: "distill",
    subjectId: id,
    priority: "person",
    userId,
    modelKey: base.weightsSha256,
    work: workOf(base.costs, choice),
    need: { bytes: Math.ceil(bytes), what },
    goesOn,
  });
}

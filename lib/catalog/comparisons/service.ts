import type { Actor } from "#lib/auth/actor.ts";
import { countAttempts } from "#lib/auth/throttle.ts";
import { getBlob } from "#lib/catalog/blobs/service.ts";
import { requireSeen } from "#lib/catalog/pairs/views.ts";
import { AppError } from "#lib/errors.ts";
import { wilson } from "#lib/util/wilson.ts";
import { type PlacedBlob, sideBySide } from "./side-by-side.ts";
import { answeredPrompts, countAnswers, insertAnswer, MOST_ANSWERS } from "./repository.ts";
import { questionsFor, type Shown } from "./questions.ts";
import { type Comparison, ENOUGH_ANSWERS, type NewAnswer, type Question, type Tally } from "./schema.ts";
import { requireVoter, type Viewer, type Voter } from "./voter.ts";

/** What somebody is asked next of a pair, and what people said so far. @throws not_found */
export async function getComparison(viewer: Viewer, pairId: string): Promise<Comparison> {
  await requireSeen(viewer.actor, pairId);
  const tally = await tallyOf(pairId);
  const voter = voterOr(viewer);
  if (typeof voter === "string") return { question: null, reason: voter, own: 0, tally };
  const { open, all } = await openQuestions(viewer, pairId, voter);
  const own = all.length - open.length;
  const next = tally.answers >= MOST_ANSWERS ? undefined : open[0];
  return {
    question: next ? toQuestion(pairId, next, own, all.length) : null,
    reason: next ? null : why(all),
    own,
    tally,
  };
}

/** What people said so far. @throws not_found */
export async function getTally(actor: Actor, pairId: string): Promise<Tally> {
  await requireSeen(actor, pairId);
  return tallyOf(pairId);
}

/** Somebody has looked. @throws not_found; forbidden; conflict where it is not what they are asked, or they have said it; rate_limited */
export async function answerComparison(viewer: Viewer, pairId: string, { question, answer }: NewAnswer): Promise<void> {
  await requireSeen(viewer.actor, pairId);
  const voter = requireVoter(viewer);
  await countAttempts([
    voter.userId === null
      ? { of: "answer from an address", who: viewer.address }
      : { of: "answer of a person", who: voter.userId },
  ]);
  const asked = (await questionsFor(viewer.actor, pairId, voter)).find(({ id }) => id === question);
  if (!asked)
    throw new AppError(
      "conflict",
      "That is not what you are asked any more: its pictures were drawn anew, or you have signed in since. Look at the next one.",
    );
  const { answers } = await tallyOf(pairId);
  if (answers >= MOST_ANSWERS)
    throw new AppError("conflict", `Of this pair ${MOST_ANSWERS} answers are known, and no more are taken.`);
  const isNew = await insertAnswer(voter, {
    pairId,
    promptSha256: asked.promptSha256,
    guideWasFirst: asked.guideIsFirst,
    preferred: answer === "neither" ? "neither" : (answer === "first") === asked.guideIsFirst ? "guide" : "cfg",
  });
  if (!isNew) throw new AppError("conflict", "You have answered this one before, and that answer counts.");
}

/** Both pictures of a question, as one. @throws not_found, also for a question that somebody else is asked */
export async function comparisonPicture(viewer: Viewer, pairId: string, question: string): Promise<Uint8Array> {
  await requireSeen(viewer.actor, pairId);
  const voter = voterOr(viewer);
  const all = typeof voter === "string" ? [] : await questionsFor(viewer.actor, pairId, voter);
  const asked = all.find(({ id }) => id === question);
  if (!asked) throw new AppError("not_found", "There is no such question to you; go back to the page of the pair.");
  const [first, second] = asked.guideIsFirst ? [asked.guide, asked.cfg] : [asked.cfg, asked.guide];
  return sideBySide(await placeOf(first), await placeOf(second));
}

async function placeOf({ blobSha256 }: Shown["guide"]): Promise<PlacedBlob> {
  const { sha256, storageKey, size } = await getBlob(blobSha256);
  return { sha256, storageKey, size };
}

const tallyOf = async (pairId: string): Promise<Tally> => toTally(await countAnswers(pairId));

function toTally({ guide, cfg, neither }: Awaited<ReturnType<typeof countAnswers>>): Tally {
  const answers = guide + cfg + neither;
  const n = guide + cfg;
  const share = n === 0 ? null : { ...wilson(guide, n), n };
  return { answers, enough: ENOUGH_ANSWERS, said: answers < ENOUGH_ANSWERS ? null : { guide, cfg, neither, share } };
}

async function openQuestions(
  { actor }: Viewer,
  pairId: string,
  voter: Voter,
): Promise<{ readonly open: readonly Shown[]; readonly all: readonly Shown[] }> {
  const all = await questionsFor(actor, pairId, voter);
  const answered = await answeredPrompts(pairId, voter);
  return { all, open: all.filter(({ promptSha256 }) => !answered.has(promptSha256)) };
}

/** Why somebody is not asked, in place of a failure. */
function voterOr(viewer: Viewer): Voter | string {
  try {
    return requireVoter(viewer);
  } catch (cause) {
    if (cause instanceof AppError) return cause.message;
    throw cause;
  }
}

function why(all: readonly Shown[]): string {
  if (all.length === 0)
    return "There are no two pictures of one seed of this pair yet; the hub draws them when it is measured.";
  return "You have looked at all pictures of this pair.";
}

const toQuestion = (pairId: string, { id, prompt, guide }: Shown, own: number, of: number): Question => ({
  id,
  number: own + 1,
  of,
  prompt,
  picture: `/api/v1/pairs/${pairId}/comparison/${id}/picture`,
  width: guide.width,
  height: guide.height,
});

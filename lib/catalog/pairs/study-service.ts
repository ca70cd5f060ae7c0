import type { Actor } from "#lib/auth/actor.ts";
import { requirePerson } from "#lib/auth/access.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { componentsOf } from "#lib/catalog/units/repository.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { envelopePasses, envelopeWork, type Setting } from "#lib/pairing/envelope.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { isOfThisVersion } from "#lib/pairing/protocol.ts";
import { ratesFor } from "#lib/queue/rates.ts";
import type { EnvelopeCost } from "./envelope-schema.ts";
import type { PairRow } from "./repository.ts";
import { cancelOf, checkAgain } from "./service.ts";
import { askForStudy, isReadable } from "./study-ask.ts";
import { envelopeOfPair, findStudy } from "./study-repository.ts";
import type { EnvelopeAnswer, StudyKind } from "./study-schema.ts";
import { requireSeen } from "./views.ts";

/** For who waits for it, and for who may write to either repo. @throws not_found, already_ended */
export async function cancelStudy(actor: Actor, id: string): Promise<void> {
  const { pairId, kind } = await requireStudy(id);
  await cancelOf(actor, pairId, { kind, subjectId: id });
}

/** A curve with its pair, of which what is missing is measured; an envelope by itself. */
export async function studyAgain(actor: Actor, id: string): Promise<void> {
  const { pairId, kind } = await requireStudy(id);
  if (kind === "curve") await checkAgain(actor, pairId);
  else await requestEnvelope(actor, pairId);
}

async function requireStudy(id: string): Promise<{ readonly pairId: string; readonly kind: StudyKind }> {
  const study = await findStudy(id);
  if (study === null) throw new AppError("not_found", "The measurement that this belongs to is gone.");
  return study;
}

/**
 * Somebody asks where the guide is at its best on the model; needs the scope `run`, and all parts readable. Where that was found or is on
 * its way, it is returned as it is.
 *
 * @throws not_found; conflict where the pair was not measured so far that settings can be compared; queue_full, rate_limited, too_little_memory
 */
export async function requestEnvelope(actor: Actor, pairId: string): Promise<EnvelopeAnswer> {
  const userId = actor.kind === "hub" ? null : requirePerson(actor, "run").userId;
  const { row } = await requireSeen(actor, pairId);
  const problem = whyNoEnvelope(row);
  if (problem !== null) throw new AppError("conflict", problem, { state: row.state });
  await requireReadable(actor, row);
  await inTransaction(database(), (transaction) =>
    askForStudy(transaction, row, { kind: "envelope", priority: "person", userId }),
  );
  return getEnvelope(actor, pairId, false);
}

/** @throws not_found */
export async function getEnvelope(actor: Actor, pairId: string, withRaw: boolean): Promise<EnvelopeAnswer> {
  const { row } = await requireSeen(actor, pairId);
  return {
    pair: pairId,
    envelope: await envelopeOfPair(pairId, withRaw),
    cost: await envelopeCostOf(row),
    problem: whyNoEnvelope(row),
  };
}

/** Where a pair is at its best, as far as that was found; null where it was not. @throws not_found */
export async function bestSettingOf(actor: Actor, pairId: string): Promise<Setting | null> {
  await requireSeen(actor, pairId);
  return (await envelopeOfPair(pairId, false))?.found?.best ?? null;
}

/** Why it cannot be found out, in a sentence; null where it can. */
function whyNoEnvelope(row: Pick<PairRow, "protocol" | "verdict" | "summary" | "measuredAt">): string | null {
  if (row.measuredAt === null)
    return "This pair has not been measured yet; where its guide is at its best is found after that.";
  if (!isOfThisVersion(row.protocol)) return "This pair was measured by an earlier protocol; measure it again first.";
  if (row.verdict === "incompatible")
    return "The guide does not work here, so there is nothing at which it is at its best.";
  if (!isReadable(row))
    return `No evaluator of this hub read ${firstLook.prompts} prompts or more of this pair, so settings cannot be compared.`;
  return null;
}

/** Before somebody asks for it. */
async function envelopeCostOf({ unitHash }: Pick<PairRow, "unitHash">): Promise<EnvelopeCost> {
  const rates = await ratesFor([unitHash]);
  const rate = rates.of("envelope", unitHash) ?? rates.of("check", unitHash); // both count in prompts that are drawn in three modes
  return { passes: envelopePasses, seconds: rate === null ? null : Math.round(rate * envelopeWork) };
}

/** It was measured on copies of the parts that whoever asks may not see. */
async function requireReadable(
  actor: Actor,
  { unitId, guideCommitId, judgeCommitId }: Pick<PairRow, "unitId" | "guideCommitId" | "judgeCommitId">,
): Promise<void> {
  const components = (await componentsOf([unitId])).get(unitId) ?? [];
  const commits = [...components.map(({ commitId }) => commitId), guideCommitId, judgeCommitId];
  const ids = [...new Set(commits.filter((id) => id !== null))];
  if ((await readableCommits(actor, ids)).size < ids.length || guideCommitId === null)
    throw new AppError(
      "conflict",
      "This was measured on files that are gone by now, or that you may not see; measure the pair again first.",
    );
}

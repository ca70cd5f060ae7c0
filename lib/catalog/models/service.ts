import { findInspection } from "#lib/catalog/inspections/service.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import { whyNotRunning } from "#lib/catalog/inspections/why-not.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import type { Parts } from "./needs.ts";
import { repoNameOf } from "./repository.ts";

/** A commit by what its folder is called where it is laid out: the name of its repo. */
export interface NamedCommit {
  readonly commitId: string;
  readonly name: string;
}

/** What has to be laid out to run a commit: a whole model is its own base and adds nothing. */
export interface RunnableModel {
  readonly base: NamedCommit;
  /** `path`: of the file, within the commit. */
  readonly lowRank: readonly (NamedCommit & { readonly path: string })[];
}

/** @throws upload_not_ready while it is inspected; unsupported_model, which says what is wrong with it; not_found */
export async function runnableModel(commitId: string): Promise<RunnableModel> {
  const name = await requireName(commitId, "The repo of this model is gone; choose another.");
  const { facts, baseCommitId } = await requireRuns(commitId, name);
  if (facts.kind === "diffusers folder" || facts.kind === "single-file checkpoint")
    return { base: { commitId, name }, lowRank: [] };
  if (facts.kind !== "low-rank fine-tune" || !baseCommitId)
    throw new AppError(
      "unsupported_model",
      `${name} is a ${facts.kind}, which draws nothing by itself; choose a base or a fine-tune.`,
    );
  const base = {
    commitId: baseCommitId,
    name: await requireName(baseCommitId, `The base of ${name} is gone; name another in the repo's settings.`),
  };
  return { base, lowRank: [{ commitId, name, path: facts.mainFile! }] };
}

/** What a model draws where nobody asks for another size, in pixels; null before that is known. */
export async function nativeSizeOf(commitId: string): Promise<StoredFacts["nativeSize"]> {
  const own = await findInspection(commitId);
  if (own?.facts?.kind !== "low-rank fine-tune") return own?.facts?.nativeSize ?? null;
  return own.baseCommitId === null ? null : ((await findInspection(own.baseCommitId))?.facts?.nativeSize ?? null);
}

/** What was found of everything that a job opens; null where the base has not been read. */
export async function partsOf(
  baseCommitId: string,
  guideCommitId: string | null,
  lowRankCommitIds: readonly string[],
  transaction: Transaction,
): Promise<Parts | null> {
  const factsOf = async (commitId: string): Promise<StoredFacts | null> =>
    (await findInspection(commitId, transaction))?.facts ?? null;
  const base = await factsOf(baseCommitId);
  if (!base) return null;
  const lowRank = [];
  for (const commitId of lowRankCommitIds) lowRank.push((await factsOf(commitId)) ?? { parameters: 0 });
  return { base, guide: guideCommitId === null ? null : await factsOf(guideCommitId), lowRank };
}

/** What is known of a commit that can be used as it is: a model or a guide. `name` is how messages name it. @throws as `runnableModel` */
export async function requireRuns(
  commitId: string,
  name: string,
): Promise<{
  readonly facts: StoredFacts;
  readonly baseCommitId: string | null;
  readonly weightsSha256: string | null;
}> {
  const inspection = await findInspection(commitId);
  if (!inspection)
    throw new AppError("not_found", `${name} has not been inspected at this commit; choose its newest one.`);
  const { facts, problem, state, baseCommitId, weightsSha256 } = inspection;
  if (state === "failed" || (facts && !facts.runs)) {
    throw new AppError("unsupported_model", `${name} cannot be used. ${facts ? whyNotRunning(facts) : problem}`, {
      problems: facts?.problems,
    });
  }
  if (!facts && state === "cancelled")
    throw new AppError(
      "not_found",
      `${name} was followed by another commit before this one was read; choose its newest one.`,
    );
  if (!facts) throw new AppError("upload_not_ready", `${name} is still being inspected; try again in a moment.`);
  return { facts, baseCommitId, weightsSha256 };
}

async function requireName(commitId: string, sentence: string): Promise<string> {
  const name = await repoNameOf(commitId);
  if (name === null) throw new AppError("not_found", sentence);
  return name;
}

import { requireOperator, requireRead } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { aKind, can } from "#lib/catalog/kinds.ts";
import { requireRuns } from "#lib/catalog/models/service.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { ownWeightsOf } from "#lib/catalog/units/unit.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { testedOn } from "#lib/pairing/measured-accuracies.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { insertInstalled, installedRows, type InstalledRow, lockInstalled, markRemoved } from "./repository.ts";
import { type InstalledEvaluator, MOST_INSTALLED, type NewEvaluator } from "./schema.ts";

/** What the operators chose to judge pairs by. Everybody may know: a verdict is worth what its judge is. */
export async function listEvaluators(actor: Actor): Promise<InstalledEvaluator[]> {
  return (await installedRows(actor)).map(toView);
}

const toView = ({ commitId, visibility, installedAt, bases, ...row }: InstalledRow): InstalledEvaluator => ({
  ...row,
  commit: commitId,
  bases: [...bases],
  testedOn: testedOn(row),
  problem: whyItIsSilent(visibility),
  installedAt: installedAt.toISOString(),
});

function whyItIsSilent(visibility: InstalledRow["visibility"]): string | null {
  if (visibility === null)
    return "Its repo was deleted, so it judges nothing any more; an operator can take it out, and install another.";
  return visibility === "public"
    ? null
    : "Its repo is private, so nobody could check what it says, and it judges nothing; its owner can make it public.";
}

/**
 * An operator lets an evaluator judge, pinned to a commit. One with the same bytes that is installed already is replaced. What others
 * measured stays, and is shown as stale.
 *
 * @throws unauthenticated, forbidden, repo_not_found, not_found, bad_request, unsupported_model, upload_not_ready, conflict
 */
export async function installEvaluator(actor: Actor, asked: NewEvaluator): Promise<InstalledEvaluator> {
  if (actor.kind !== "hub") requireOperator(actor);
  const repo = await requireRead(actor, toRepoName(asked.repo));
  const shown = `${repo.owner}/${repo.name}`;
  if (!can(repo, "evaluates"))
    throw new AppError("bad_request", `${shown} is ${aKind(repo)}, and judges nothing; name an evaluator.`, {
      field: "repo",
    });
  if (repo.visibility !== "public")
    throw new AppError(
      "bad_request",
      `${shown} is private, and nobody could check what it says; make it public, then let it judge.`,
      { field: "repo" },
    );
  const { commitId } = await resolveRevision(repo, asked.revision);
  const { facts } = await requireRuns(commitId, shown);
  const sha256 = ownWeightsOf(facts);
  const kind = facts.evaluator?.kind;
  if (kind === undefined || sha256 === null)
    throw new AppError(
      "unsupported_model",
      `${shown} holds no evaluator that runs here; see what its page says of it.`,
    );
  const bases = [...new Set(await inOrder(asked.bases, (name) => baseId(actor, name)))];
  if (kind === "attributes" && bases.length === 0)
    throw new AppError(
      "bad_request",
      `${shown} reads latents, which mean something only to the VAE that it was trained on; name the bases that it judges.`,
      { field: "bases" },
    );
  const { id } = await inTransaction(database(), async (transaction) => {
    if ((await lockInstalled(transaction, sha256)) >= MOST_INSTALLED)
      throw new AppError(
        "conflict",
        `${MOST_INSTALLED} evaluators are installed, and each of them reads every picture; take one out first.`,
      );
    await markRemoved(transaction, { sha256 });
    const row = await insertInstalled(transaction, { repoId: repo.id, commitId, sha256, kind, bases });
    await audit(transaction, actor, "evaluator.install", row.id, {
      repoId: repo.id,
      repo: shown,
      commit: commitId,
      sha256,
      bases: asked.bases,
    });
    return row;
  });
  const view = (await listEvaluators(actor)).find((one) => one.id === id);
  if (!view) throw new AppError("conflict", "Somebody else has taken it out at the same moment; look at the list.");
  return view;
}

async function baseId(actor: Actor, name: string): Promise<string> {
  const base = await requireRead(actor, toRepoName(name));
  if (can(base, "isBase")) return base.id;
  throw new AppError(
    "bad_request",
    `${base.owner}/${base.name} is ${aKind(base)}, not a base; name the base that it was made from.`,
    { field: "bases" },
  );
}

/** What it measured stays, and is shown as stale. @throws unauthenticated, forbidden, not_found */
export async function removeEvaluator(actor: Actor, id: string): Promise<void> {
  if (actor.kind !== "hub") requireOperator(actor);
  await inTransaction(database(), async (transaction) => {
    if (!(await markRemoved(transaction, { id })))
      throw new AppError("not_found", "No evaluator of that id is installed; look at the list.");
    await audit(transaction, actor, "evaluator.remove", id);
  });
}

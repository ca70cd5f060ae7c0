import type { Actor } from "#lib/auth/actor.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { requireSeen } from "#lib/catalog/pairs/views.ts";
import { fullNames } from "#lib/catalog/sheets/repository.ts";
import { findFiles } from "#lib/catalog/trees/repository.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { besideWeights } from "./beside-weights.ts";
import type { Source, Sources } from "./schema.ts";

/** From where everything can be had that a measurement was made with, as far as somebody may read it; null for what is gone. */
export async function sourcesOf(
  actor: Actor,
  { id, unit, guide, measured }: Pick<PairView, "id" | "unit" | "guide" | "measured">,
): Promise<Sources> {
  const { row } = await requireSeen(actor, id);
  const used = (measured?.evaluators ?? []).map(({ commit }) => commit);
  const commits = [...unit.components.map(({ commit }) => commit), guide.commit, row.judgeCommitId, ...used];
  const known = commits.filter((commit) => commit !== null);
  const names = await fullNames(database(), [...(await readableCommits(actor, known))]);
  const sourceOf = async (commit: string | null, more: readonly string[] = []): Promise<Source | null> => {
    const repo = commit === null ? undefined : names.get(commit);
    return commit === null || repo === undefined ? null : { repo, commit, files: await filesOf(commit, more) };
  };
  const [model, ...lowRank] = await inOrder(unit.components, ({ commit }) => sourceOf(commit));
  return {
    model: model ?? null,
    lowRank,
    guide: await sourceOf(guide.commit),
    judge: await sourceOf(row.judgeCommitId),
    evaluators: await inOrder(used, (commit) => sourceOf(commit)),
  };
}

/** What decides the numbers of a commit, as it was read; and what is needed to find that. */
async function filesOf(commit: string, more: readonly string[]): Promise<Source["files"]> {
  const paths = (await findInspection(commit))?.facts?.files.map(({ path }) => path) ?? [];
  const found = await findFiles(database(), commit, [...paths, ...besideWeights(paths), ...more]);
  return [...found.values()].map(({ path, sha256, size }) => ({ path, sha256, size }));
}

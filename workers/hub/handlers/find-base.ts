import { candidates, commitWithBlob, type Subject } from "#lib/catalog/inspections/repository.ts";
import { can } from "#lib/catalog/kinds.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import type { Inspection } from "#lib/inspection/inspection.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { openCommitFolder } from "#workers/files/commit-folder.ts";
import type { KinshipJob, ResultOf } from "#workers/inference/messages.ts";

type Bases = Pick<StoredFacts, "declaredBase" | "detectedBase" | "fittingBases" | "agrees">;

export interface FoundBase extends Bases {
  /** Of the base that was found, where a low-rank file was: it runs as that base does. */
  readonly runsAs: { readonly contract: string; readonly ownWeightsSha256: string } | null;
}

type Compare = (job: KinshipJob) => Promise<ResultOf<KinshipJob>>;

/** Before anything was compared. */
export function noBase({ repo }: Subject): FoundBase {
  return {
    declaredBase: repo.baseId === null ? null : { repoId: repo.baseId },
    detectedBase: null,
    fittingBases: [],
    agrees: null,
    runsAs: null,
  };
}

/**
 * The base that a commit was made from. A guide names the file; the weights of a whole fine-tune lie close to its base's; a low-rank
 * file fits by its shapes, which several bases may have: then the declared one is taken, or none.
 */
export async function findBase(
  subject: Subject,
  inspection: Inspection,
  contract: string | null,
  folder: string,
  compare: Compare,
): Promise<FoundBase> {
  if (!can(subject.repo, "hasBase")) return noBase(subject);
  if (inspection.guide) return byName(subject, inspection.guide.base.sha256);
  if (inspection.lowRank) return byShapes(subject, inspection, folder, compare);
  return contract === null ? noBase(subject) : byWeights(subject, contract, folder, compare);
}

async function byName(subject: Subject, sha256: string): Promise<FoundBase> {
  const found = await commitWithBlob(subject, sha256);
  const detectedBase = found && { ...found, medianCosine: null, how: "named by the guide" as const };
  return { ...noBase(subject), detectedBase, agrees: agreement(subject, detectedBase, false) };
}

/** What is read of each base is a few kilobytes. */
const MAX_BY_SHAPES = 30;

async function byShapes(
  subject: Subject,
  { lowRank, name }: Inspection,
  folder: string,
  compare: Compare,
): Promise<FoundBase> {
  const bases = await candidates(subject, { contract: null, textWidth: lowRank!.textWidth, limit: MAX_BY_SHAPES });
  const file = `${folder}/${name.slice(name.indexOf("/") + 1)}`;
  const compared = await compareAll({ lowRank: file }, bases, "settings", compare);
  const fitting = compared.filter(({ mismatch }) => mismatch === null).map(({ base }) => base);
  const taken =
    fitting.find(({ repoId }) => repoId === subject.repo.baseId) ?? (fitting.length === 1 ? fitting[0]! : null);
  const toFact = ({ repoId, commitId }: (typeof bases)[number]) => ({ repoId, commitId, medianCosine: null });
  const detectedBase = taken && { ...toFact(taken), how: "by its shapes" as const };
  return {
    ...noBase(subject),
    detectedBase,
    fittingBases: fitting.map(toFact),
    agrees: agreement(
      subject,
      detectedBase,
      bases.some(({ repoId }) => repoId === subject.repo.baseId),
    ),
    runsAs: taken,
  };
}

/** The UNet of each is read. */
const MAX_BY_WEIGHTS = 8;

async function byWeights(subject: Subject, contract: string, folder: string, compare: Compare): Promise<FoundBase> {
  const bases = await candidates(subject, { contract, textWidth: null, limit: MAX_BY_WEIGHTS });
  const compared = await compareAll({ model: folder }, bases, "unet", compare);
  const close = compared
    .flatMap(({ base: { repoId, commitId }, medianCosine }) =>
      medianCosine !== null && medianCosine >= thresholds.lineageUnrelated ? [{ repoId, commitId, medianCosine }] : [],
    )
    .toSorted((a, b) => b.medianCosine - a.medianCosine); // of equals the declared one stays first
  const detectedBase = close[0] ? { ...close[0], how: "by its weights" as const } : null;
  return {
    ...noBase(subject),
    detectedBase,
    fittingBases: close,
    agrees: agreement(
      subject,
      detectedBase,
      bases.some(({ repoId }) => repoId === subject.repo.baseId),
    ),
  };
}

async function compareAll<Base extends { commitId: string; name: string; family: string | null }>(
  fineTune: KinshipJob["fineTune"],
  bases: readonly Base[],
  part: "settings" | "unet",
  compare: Compare,
) {
  if (bases.length === 0) return [];
  const opened = [];
  try {
    for (const { commitId, name } of bases) opened.push(await openCommitFolder(commitId, name, part));
    const { bases: compared } = await compare({
      type: "kinship",
      fineTune,
      bases: opened.map(({ folder }, i) => ({ id: String(i), folder, family: bases[i]!.family })),
    });
    return compared.map(({ id, ...found }) => ({ base: bases[Number(id)]!, ...found }));
  } finally {
    for (const { close } of opened) await close();
  }
}

/** `wasCompared`: the declared base was among those that were looked at, so that not being found means something. */
function agreement(
  { repo }: Subject,
  detected: { readonly repoId: string } | null,
  wasCompared: boolean,
): boolean | null {
  if (repo.baseId === null || (detected === null && !wasCompared)) return null;
  return detected?.repoId === repo.baseId;
}

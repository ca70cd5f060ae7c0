import { readManifest } from "#lib/catalog/commits/service.ts";
import type { Subject } from "#lib/catalog/inspections/repository.ts";
import { askOrphansAgain, getSubject, type Reading, recordInspection } from "#lib/catalog/inspections/work.ts";
import { aKind, can, type Capability } from "#lib/catalog/kinds.ts";
import { ownWeightsOf, unitHash } from "#lib/catalog/units/unit.ts";
import { requestChecks } from "#lib/catalog/pairs/service.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import type { Inspection } from "#lib/inspection/inspection.ts";
import { runsWithConfigs } from "#lib/inspection/what-runs.ts";
import { contractOf } from "#lib/pairing/contract.ts";
import { withArticle } from "#lib/util/with-article.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { withCommitFolder } from "#workers/files/commit-folder.ts";
import type { ClaimedJob, JobHandler } from "#workers/hub/handler.ts";
import { findBase, noBase } from "./find-base.ts";

/** Says what a commit is, and asks for the measurements that follow from it. Headers of strangers are read in a child only. */
export const inspectHandler: JobHandler = async (job) => {
  failpoint("inspect.claimed");
  const subject = await getSubject(job.subjectId);
  if (!subject) return false;
  const reading = await withCommitFolder(subject.commitId, subject.repo.name, (folder) => read(subject, folder, job));
  failpoint("inspect.measured");
  await inTransaction(database(), async (transaction) => {
    if (!(await recordInspection(transaction, job.subjectId, job.attempt, reading))) return;
    await requestChecks(transaction, job.subjectId, { isAwaited: subject.isFresh, userId: subject.authorId });
    if (can(subject.repo, "isBase") && reading.contract !== null)
      await askOrphansAgain(transaction, subject, reading.contract);
  });
  failpoint("inspect.done");
};

async function read(subject: Subject, folder: string, { models, signal }: ClaimedJob): Promise<Reading> {
  const options = { signal };
  const found = await models.run({ type: "inspect", folder }, options);
  const { inspection, signature, nativeSize, needs, distilling, files } = found;
  const manifest = new Map((await readManifest(subject.commitId)).map(({ path, sha256 }) => [path, sha256]));
  const hashed = files.map((file) => ({ ...file, sha256: manifest.get(file.path)! }));
  const misplaced = misplacement(subject, inspection);
  const isUsable = inspection.runs && misplaced === null;
  const ownContract = isUsable && signature ? contractOf(signature) : null;
  const { runsAs, ...bases } = isUsable
    ? await findBase(subject, inspection, ownContract, folder, (job) => models.run(job, options))
    : noBase(subject);

  const own = ownWeightsOf({ kind: inspection.kind, files: hashed });
  const lacksBase = isUsable && inspection.lowRank !== null && runsAs === null;
  const facts = {
    ...inspection,
    runs: isUsable && !lacksBase,
    whatRuns: lacksBase
      ? whatLacks(bases.fittingBases.length)
      : (severalAtTop([...manifest.keys()], inspection) ??
        lackingConfigs(inspection) ??
        (isUsable ? uses[inspection.kind] : null) ??
        inspection.whatRuns),
    problems: misplaced === null ? inspection.problems : [...inspection.problems, misplaced],
    mainFile: files[0]?.path ?? null,
    files: hashed,
    signature,
    nativeSize,
    needs,
    distilling: isUsable ? distilling : null,
    ...bases,
  };
  return {
    facts,
    contract: ownContract ?? runsAs?.contract ?? null,
    weightsSha256: facts.runs ? measuredAs(inspection, own!, runsAs?.ownWeightsSha256 ?? null) : null,
    ownWeightsSha256: own,
    baseCommitId: bases.detectedBase?.commitId ?? null,
  };
}

/** What a repo must be able to for such a thing to belong there. */
const belongsWhere: Partial<Readonly<Record<Inspection["kind"], readonly Capability[]>>> = {
  "diffusers folder": ["draws"],
  "single-file checkpoint": ["draws"],
  "low-rank fine-tune": ["draws", "hasBase"],
  guide: ["guides"],
  evaluator: ["evaluates"],
  "CLIP folder": ["evaluates"],
};

/** A sentence where a thing that runs lies in a repo of another kind. */
function misplacement({ repo }: Subject, { kind, runs }: Inspection): string | null {
  if (!runs || belongsWhere[kind]?.every((what) => can(repo, what))) return null;
  return `This repo is ${aKind(repo)}, and what is in it is ${withArticle(kind)}; put it into a repo of its own kind.`;
}

/** What can be done with it on a hub. */
const judges = "it says how well pictures keep to their prompts, once an operator of the hub has chosen it";
const draws = "it draws pictures by itself, and with guides of its base";
const uses: Partial<Readonly<Record<Inspection["kind"], string>>> = {
  "diffusers folder": draws,
  "single-file checkpoint": draws,
  "low-rank fine-tune": "it draws pictures on its base, and with guides of that",
  guide: "it guides its base and what was made from that",
  evaluator: judges,
  "CLIP folder": judges,
};

/** Epochs of one training, or parts of a model without its folders: nothing says which of them is meant. */
function severalAtTop(paths: readonly string[], { kind }: Inspection): string | null {
  const { length } = paths.filter((path) => /^[^/]+\.safetensors$/.test(path));
  return kind === "unknown" && length > 1
    ? `nothing: there are ${length} weights files at its top, and one is needed; give each a repo of its own`
    : null;
}

/** A checkpoint whose networks its own configs describe; a commit can bring them. */
const lackingConfigs = ({ whatRuns }: Inspection): string | null =>
  whatRuns === runsWithConfigs
    ? "nothing yet: its UNet is none that a published config describes; put the configs of its parts beside it, " +
      "as a diffusers folder has them (unet/config.json, scheduler/scheduler_config.json, tokenizer/…)"
    : null;

function whatLacks(fitting: number): string {
  if (fitting > 1)
    return `nothing yet: its layers fit ${fitting} bases of this hub; say in the repo's settings which one it was made from`;
  return "nothing yet: no base of this hub has the layers that it changes; upload its base, and it is looked at again";
}

/** Under which key what is measured of it is kept: of a guide its file, of a model its unit as it was trained. */
function measuredAs({ guide, evaluator }: Inspection, own: string, base: string | null): string {
  if (guide || evaluator) return own;
  const full = { strength: 1, textStrength: 1 };
  const parts = base === null ? [] : [{ role: "base" as const, weightsSha256: base, ...full }];
  return unitHash([...parts, { role: base === null ? "base" : "lora", weightsSha256: own, ...full }]);
}

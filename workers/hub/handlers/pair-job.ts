import { join } from "node:path";
import { readManifest } from "#lib/catalog/commits/service.ts";
import { measuringProvider, PROMPTS } from "#lib/catalog/pairs/schema.ts";
import type { Check } from "#lib/catalog/pairs/work.ts";
import { env } from "#lib/env.ts";
import type { Before } from "#lib/measure/pair-check.ts";
import { prefixOf } from "#lib/measure/pieces.ts";
import { plainPrompts } from "#lib/measure/prompts.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { type CommitFolder, openCommitFolder } from "#workers/files/commit-folder.ts";
import { withKeptPieces } from "#workers/files/kept-pieces.ts";
import { modelIn } from "#workers/files/model-in.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { before as beforeSchema } from "#workers/inference/result-schemas.ts";
import type { CheckJob } from "#workers/inference/messages.ts";

/** A measurement of a pair as an inference child takes it, and the prompts of the pictures that everybody is shown. */
interface PairJob {
  readonly job: CheckJob;
  readonly shown: readonly string[];
}

/** Lays everything out that a pair is measured on, for as long as `work` takes. */
export async function withPairJob<T>(check: Check, work: (pair: PairJob) => Promise<T>): Promise<T> {
  const opened: CommitFolder[] = [];
  try {
    const pair = await toJob(check, async ({ commitId, name }) => {
      const open = await openCommitFolder(commitId, name);
      opened.push(open);
      return open.folder;
    });
    return await withKeptPieces(keptAs(check.unit.hash), keptFolder(), () => work(pair));
  } finally {
    for (const { close } of opened) await close();
  }
}

const keptAs = (unitHash: string) => ({ key: unitHash, prefix: `${prefixOf(unitHash)}-`, brings: true });

/** All workers of a machine share it. */
const keptFolder = (): string => join(env().dataFolder, "cache", "teacher");

type Open = (commit: { readonly commitId: string; readonly name: string }) => Promise<string>;

/** Of the prompts that are judged nobody sees one before its time: shown are those that everybody may explore with. */
async function toJob(
  { request, unit, guide, judge, evaluators, draw, tries, styles, before }: Check,
  open: Open,
): Promise<PairJob> {
  const manifest = new Map(judge ? (await readManifest(judge.commitId)).map(({ path, sha256 }) => [path, sha256]) : []);
  const judgeFolder = judge && (await open(judge));
  const lowRank = [];
  for (const { strength, textStrength, ...file } of unit.lowRank)
    lowRank.push({
      path: join(await open(file), file.path),
      strength,
      ...(textStrength !== strength && { textStrength }),
    });
  const job: CheckJob = {
    type: "check",
    runtime: runtimeFor(measuringProvider()),
    choice: { ...(await modelIn(await open(unit.base))), lowRank, guide: join(await open(guide), guide.path) },
    base: judgeFolder === null ? null : await modelIn(judgeFolder),
    evaluators: await inOrder(evaluators, async (one) => join(await open(one), one.path ?? "")),
    prompts: null,
    draw,
    tries,
    styles: [...styles],
    pictures: request.pictures,
    before: toBefore(before),
    domain: null,
    kept: {
      folder: keptFolder(),
      key: unit.hash,
      evaluators: evaluators.map(({ sha256 }) => sha256),
    },
  };
  const shown =
    judgeFolder && manifest.has(PROMPTS)
      ? await readPrompts(join(judgeFolder, PROMPTS), `${judge!.name}/${PROMPTS}`)
      : plainPrompts(null);
  return { job, shown };
}

/** Null also where what is stored cannot be read any more: then the first look is made again. */
function toBefore(levels: Check["before"]): Before | null {
  const raw = (level: number): unknown => levels.find((one) => one.level === level)?.raw;
  const found = beforeSchema.safeParse({ lineage: raw(1) ?? null, agreement: raw(2), fidelity: raw(4) });
  return found.success ? found.data : null;
}

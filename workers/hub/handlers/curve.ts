import { cpus } from "node:os";
import { CURVE_VERSION } from "#lib/catalog/pairs/curve-schema.ts";
import { getCurveCheck, recordCurve, saveProgress } from "#lib/catalog/pairs/curve-work.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { type CommitFolder, openCommitFolder } from "#workers/files/commit-folder.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import type { CurveJob } from "#workers/inference/messages.ts";
import { progressWriter, toJob } from "./check.ts";

/** Measures what else could be done with a guide's passes, on what its pair was measured on. */
export const curveHandler: JobHandler = async ({ subjectId, attempt, models, signal }) => {
  const check = await getCurveCheck(subjectId);
  const opened: CommitFolder[] = [];
  try {
    const { job } = await toJob(check, async ({ commitId, name }) => {
      const open = await openCommitFolder(commitId, name);
      opened.push(open);
      return open.folder;
    });
    const { runtime, choice, evaluators, prompts, domain } = job;
    const asked: CurveJob = {
      type: "curve",
      runtime,
      choice,
      evaluators,
      prompts,
      domain,
      pictures: firstLook.prompts,
    };
    const began = performance.now();
    const onProgress = progressWriter((progress) => saveProgress(subjectId, attempt, progress));
    const {
      curve,
      raw,
      runtime: used,
    } = await models.run(asked, {
      signal,
      onProgress: ({ stage, done, total }) => onProgress({ stage, done, total }),
    });
    await recordCurve(subjectId, attempt, {
      result: { version: CURVE_VERSION, ...curve },
      raw,
      machine: `${cpus()[0]?.model ?? process.arch}, ${used.threads} threads`,
      milliseconds: Math.round(performance.now() - began),
    });
  } finally {
    for (const { close } of opened) await close();
  }
};

import { CURVE_VERSION } from "#lib/catalog/pairs/curve-schema.ts";
import { getCurveCheck, recordCurve, saveProgress } from "#lib/catalog/pairs/curve-work.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import { machineOf } from "./machine.ts";
import { withPairJob } from "./pair-job.ts";
import { progressWriter } from "./progress-writer.ts";

/** Measures what else could be done with a guide's passes, on what its pair was measured on. */
export const curveHandler: JobHandler = async ({ subjectId, attempt, models, signal }) => {
  const check = await getCurveCheck(subjectId);
  await withPairJob(check, async ({ job: { runtime, choice, evaluators, prompts, domain, styles = [] } }) => {
    const pictures = firstLook.prompts;
    const began = performance.now();
    const tell = progressWriter((progress) => saveProgress(subjectId, attempt, progress));
    const found = await models.run(
      { type: "curve", runtime, choice, evaluators, prompts, domain, styles, pictures },
      { signal, onProgress: ({ stage, done, total }) => tell({ stage, done, total }) },
    );
    await recordCurve(subjectId, attempt, {
      result: { version: CURVE_VERSION, ...found.curve },
      raw: found.raw,
      machine: machineOf(found.runtime),
      milliseconds: Math.round(performance.now() - began),
    });
  });
};

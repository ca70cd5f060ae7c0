import type { StudyKind } from "#lib/catalog/pairs/study-schema.ts";
import { getStudyCheck, recordStudy, saveProgress } from "#lib/catalog/pairs/study-work.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import type { CheckJob, CurveJob, EnvelopeJob, ResultOf } from "#workers/inference/messages.ts";
import { machineOf } from "./machine.ts";
import { withPairJob } from "./pair-job.ts";
import { progressWriter } from "./progress-writer.ts";

type StudyJob = CurveJob | EnvelopeJob;
type Run = <J extends StudyJob>(job: J) => Promise<ResultOf<J>>;

/** What all studies of a pair are done on; what is public and nothing that its verdict is computed on. */
type On = Pick<CheckJob, "runtime" | "choice" | "evaluators" | "prompts" | "domain" | "styles" | "kept">;

interface Found {
  readonly result: object;
  readonly raw: object;
  readonly runtime: { readonly threads: number };
}

/** A job that measures something of a pair beside its verdict. */
export const studyHandler =
  (kind: StudyKind, work: (on: On, run: Run) => Promise<Found>): JobHandler =>
  async ({ subjectId, attempt, models, signal }) => {
    const check = await getStudyCheck(kind, subjectId);
    await withPairJob(check, async ({ job: { runtime, choice, evaluators, prompts, domain, styles = [], kept } }) => {
      const began = performance.now();
      const tell = progressWriter((progress) => saveProgress(kind, subjectId, attempt, progress));
      const onProgress = ({ stage, done, total }: Parameters<typeof tell>[0]): void => tell({ stage, done, total });
      const run: Run = (job) => models.run(job, { signal, onProgress });
      const found = await work({ runtime, choice, evaluators, prompts, domain, styles, kept }, run);
      await recordStudy(kind, subjectId, attempt, {
        result: found.result,
        raw: found.raw,
        machine: machineOf(found.runtime),
        milliseconds: Math.round(performance.now() - began),
      });
    });
  };

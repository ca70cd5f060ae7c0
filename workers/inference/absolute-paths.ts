import { resolve } from "node:path";
import type { Job } from "./messages.ts";

/** The same job for a process in another folder. */
export function withAbsolutePaths(job: Job): Job {
  switch (job.type) {
    case "sample":
      return { ...job, choice: absoluteChoice(job.choice) };
    case "check":
      return {
        ...job,
        choice: { ...absoluteChoice(job.choice), guide: resolve(job.choice.guide) },
        base: job.base && absolutePlace(job.base),
        evaluators: job.evaluators.map((path) => resolve(path)),
      };
    case "curve":
    case "envelope":
      return {
        ...job,
        choice: { ...absoluteChoice(job.choice), guide: resolve(job.choice.guide) },
        evaluators: job.evaluators.map((path) => resolve(path)),
      };
    case "inspect":
      return { ...job, folder: resolve(job.folder) };
    case "distill":
      return { ...job, model: absolute(job.model), config: absolute(job.config), output: resolve(job.output) };
    case "probe":
      return job;
    case "kinship":
      return {
        ...job,
        fineTune:
          "lowRank" in job.fineTune
            ? { lowRank: resolve(job.fineTune.lowRank) }
            : { model: resolve(job.fineTune.model) },
        bases: job.bases.map((base) => ({ ...base, folder: resolve(base.folder) })),
      };
  }
}

interface Place {
  readonly model: string;
  readonly config?: string | null;
}
interface Choice extends Place {
  readonly lowRank: readonly { readonly path: string; readonly strength: number; readonly textStrength?: number }[];
  readonly guide: string | null;
  readonly embeddings?: readonly { readonly path: string; readonly word?: string }[];
}

const absolutePlace = ({ model, config = null }: Place) => ({ model: resolve(model), config: absolute(config) });
const absoluteChoice = ({ lowRank, guide, embeddings = [], ...place }: Choice) => ({
  ...absolutePlace(place),
  lowRank: lowRank.map((file) => ({ ...file, path: resolve(file.path) })),
  guide: absolute(guide),
  embeddings: embeddings.map((file) => ({ ...file, path: resolve(file.path) })),
});

const absolute = (path: string | null): string | null => path && resolve(path);

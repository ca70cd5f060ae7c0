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
        base: absolute(job.base),
        evaluator: absolute(job.evaluator),
      };
    case "inspect":
      return { ...job, folder: resolve(job.folder) };
    case "probe":
      return job;
    case "kinship":
      return {
        ...job,
        fineTune:
          "lowRank" in job.fineTune
            ? { lowRank: resolve(job.fineTune.lowRank) }
            : { model: resolve(job.fineTune.model) },
        bases: job.bases.map(({ id, folder }) => ({ id, folder: resolve(folder) })),
      };
  }
}

interface Choice {
  readonly model: string;
  readonly config?: string | null;
  readonly lowRank: readonly { readonly path: string; readonly strength: number; readonly textStrength?: number }[];
  readonly guide: string | null;
}

const absoluteChoice = ({ model, config = null, lowRank, guide }: Choice) => ({
  model: resolve(model),
  config: absolute(config),
  lowRank: lowRank.map((file) => ({ ...file, path: resolve(file.path) })),
  guide: absolute(guide),
});

const absolute = (path: string | null): string | null => path && resolve(path);

import { namesOfRunning } from "#lib/families/all.ts";
import type { FoundFamily } from "#lib/families/found-family.ts";
import type { SingleFile } from "#lib/families/single-file.ts";

/**
 * Whether a command takes something as it is, and what to do with it: one decision, by what its family says of itself.
 */
export interface Verdict {
  readonly runs: boolean;
  readonly whatRuns: string;
}

export const notAsItIs = "nothing runs it as it is; the problems named here say why";

const not = (whatRuns: string): Verdict => ({ runs: false, whatRuns });

/**
 * Of a family, or of something made for one. `what` is how the sentence calls it, its family's name where nothing else
 * is said.
 */
export function doesNotRun(family: Pick<FoundFamily, "name" | "whyNot">, what = family.name): Verdict {
  const why = family.whyNot === null ? "" : `: ${family.whyNot}`;
  return not(`${what} does not run here${why}; models of ${namesOfRunning} do`);
}

export const notAlone = (what: string): Verdict =>
  not(`nothing runs ${what} alone; sample and check run the diffusers folder that it is a part of`);

/** Of a whole checkpoint whose networks no family's published configs describe. */
export const runsWithConfigs = `sample runs it with --config FOLDER, the configs of its parts: its UNet is not that of ${namesOfRunning}`;

export function singleFileRuns({ found, missing, fitsConfigs }: SingleFile): Verdict {
  if (found === null) return doesNotRun({ name: "a checkpoint of a network that is not known", whyNot: null });
  if (!found.runs) return doesNotRun(found);
  if (missing.length > 0)
    return not(`it lacks ${missing.join(" and ")}; give the whole checkpoint, or the diffusers folder of the model`);
  if (!fitsConfigs) return not(runsWithConfigs);
  return { runs: true, whatRuns: "sample and check run it" };
}

/** A network alone, or the denoiser of a family that is not run at all. */
export function networkRuns(what: string, family: FoundFamily | null): Verdict {
  return family && !family.runs ? doesNotRun(family) : notAlone(what);
}

import { AppError } from "#lib/errors.ts";
import { sizeProblem } from "./limits.ts";
import type { Asked } from "./schema.ts";

type Settings = Pick<Asked, "guide" | "guidanceScale" | "cfgSteps" | "steps" | "negativePrompt" | "width" | "height"> &
  Partial<Pick<Asked, "guideStrength">>;

/** What a preview is asked for makes sense together, whoever asks and whether it is drawn or only estimated. @throws bad_request */
export function requireSettings({
  guide,
  guidanceScale,
  cfgSteps,
  guideStrength = 1,
  steps,
  negativePrompt,
  width,
  height,
}: Settings): void {
  if ((width === null) !== (height === null))
    throw refused(width === null ? "width" : "height", "A size has a width and a height; give both, or neither.");
  const problem = width !== null && height !== null ? sizeProblem({ width, height }) : null;
  if (problem) throw refused("width", `${problem} Choose a smaller one.`);
  if (cfgSteps > steps)
    throw refused("cfgSteps", `CFG cannot do ${cfgSteps} of ${steps} steps; ask for at most ${steps}.`);
  if (cfgSteps > 0 && guide === null)
    throw refused(
      "cfgSteps",
      "CFG steps go before a guide takes over, and there is no guide; name one, or leave them out.",
    );
  if (guideStrength !== 1 && guide === null)
    throw refused("guideStrength", "There is no guide whose strength could be set; name one, or leave it out.");
  if (negativePrompt !== null && guidanceScale === 1)
    throw refused(
      "negativePrompt",
      "Guidance 1 follows the prompt alone, so a negative prompt would not be read; raise the guidance, or leave it out.",
    );
}

/** A field of what was asked for that cannot be used. */
export const refused = (field: string, sentence: string): AppError => new AppError("bad_request", sentence, { field });

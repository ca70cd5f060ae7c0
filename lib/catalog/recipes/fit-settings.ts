import {
  MOST_CLIP_SKIP,
  MOST_GUIDANCE,
  MOST_GUIDE_STRENGTH,
  MOST_PROMPT,
  MOST_STEPS,
  sizeProblem,
  type Size,
} from "#lib/catalog/previews/limits.ts";
import { toPlainLine } from "#lib/util/deceptive.ts";
import { toSeedJson } from "#lib/picture/seed.ts";
import type { OpenedRecipe } from "./schema.ts";

/** The settings of a picture, as whoever drew it had them. Null: nothing is said. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: bigint | null;
  readonly steps: number | null;
  readonly guidanceScale: number | null;
  readonly guidanceRescale: number | null;
  readonly guideStrength: number | null;
  readonly cfgSteps: number | null;
  readonly size: Size | null;
  /** Layers that were left out. */
  readonly clipSkip: number;
}

type Fitted = Pick<
  OpenedRecipe,
  | "prompt"
  | "negativePrompt"
  | "seed"
  | "steps"
  | "guidanceScale"
  | "guidanceRescale"
  | "guideStrength"
  | "cfgSteps"
  | "width"
  | "height"
  | "clipSkip"
>;

/** The same as a preview takes them; what it takes only in part is said. */
export function fitSettings(given: Settings): Fitted & { readonly notes: string[] } {
  const notes: string[] = [];
  const atMost = (value: number | null, most: number, what: string): number | null => {
    if (value === null || value <= most) return value;
    notes.push(`${what} ${value}; a preview takes at most ${most}.`);
    return most;
  };
  const asText = (text: string, what: string): string => {
    const line = toPlainLine(text);
    if (line.length <= MOST_PROMPT) return line;
    notes.push(`Its ${what} has ${line.length} characters; a preview takes ${MOST_PROMPT}, and its end was left out.`);
    return line.slice(0, MOST_PROMPT);
  };
  const { size, seed } = given;
  const problem = size && sizeProblem(size);
  if (problem)
    notes.push(`It has ${size.width} × ${size.height} pixels. ${problem} The model's own size is taken instead.`);
  return {
    prompt: asText(given.prompt, "prompt"),
    negativePrompt: given.negativePrompt === null ? null : asText(given.negativePrompt, "negative prompt") || null,
    seed: seed === null ? null : toSeedJson(BigInt.asUintN(64, seed)), // as torch reads a seed below zero
    steps: atMost(given.steps, MOST_STEPS, "Its steps were"),
    // At 1 and below the prompt alone is followed.
    guidanceScale:
      given.guidanceScale === null
        ? null
        : Math.max(1, atMost(given.guidanceScale, MOST_GUIDANCE, "Its guidance was")!),
    guidanceRescale: given.guidanceRescale,
    guideStrength: atMost(given.guideStrength, MOST_GUIDE_STRENGTH, "Its guide's strength was"),
    cfgSteps: atMost(given.cfgSteps, MOST_STEPS, "Its CFG steps were"),
    width: problem ? null : (size?.width ?? null),
    height: problem ? null : (size?.height ?? null),
    clipSkip: atMost(given.clipSkip, MOST_CLIP_SKIP, "The layers of the text encoder that it left out were")!,
    notes,
  };
}

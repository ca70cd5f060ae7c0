import type { Forecast } from "#lib/catalog/previews/schema.ts";
import type { Size } from "#lib/catalog/previews/limits.ts";
import type { Prompting } from "#lib/catalog/prompting/schema.ts";
import type { Setting } from "#lib/pairing/envelope.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { ComparedPicture } from "../_islands/compare.tsx";
import type { Measured } from "../_ui/estimate.tsx";
import type { Standing } from "../_ui/verdict.tsx";
import type { Settings } from "./address.ts";

/** A guide in the list of the studio. */
export interface GuideChoice {
  readonly repo: string;
  readonly pair: string | null;
  readonly standing: Standing;
  readonly recovered: Measured | null;
  readonly stale: string | null;
  /** Why it cannot be chosen; null where it can. */
  readonly reason: string | null;
}

export interface Example {
  readonly id: string;
  readonly prompt: string;
  readonly seed: number | string;
  readonly pictures: readonly ComparedPicture[];
}

/** What of a model decides what can be asked for. */
export interface ModelFacts {
  /** Why nothing can be drawn with it, in words; null where it can. */
  readonly whyNot: string | null;
  readonly isLora: boolean;
  /** What it draws where no size is asked for, in pixels. */
  readonly native: Size | null;
  /** What it asks for, where it says that it shortens sampling. */
  readonly accelerator: Accelerator | null;
}

export interface Accelerator {
  readonly name: string;
  readonly from: string;
  readonly sampler: SamplerName;
  readonly timestepSpacing: string;
  readonly steps: number;
  readonly guidance: number;
}

export interface StudioProps {
  readonly models: { readonly finetunes: readonly string[]; readonly bases: readonly string[] };
  readonly finetune: string | null;
  /** What the address names and nobody may see. */
  readonly refused: string | null;
  readonly revision: string | null;
  readonly guides: readonly GuideChoice[];
  /** Null: without one. */
  readonly guide: string | null;
  readonly guideRevision: string | null;
  /** What the guide was trained on. */
  readonly range: { readonly min: number; readonly max: number; readonly reference: number } | null;
  readonly prompting: Prompting;
  readonly model: ModelFacts | null;
  readonly settings: Settings;
  /** Where this pair was found to be at its best, and which; null where nobody looked for it. */
  readonly best: (Setting & { readonly pair: string }) | null;
  /** Whether somebody wrote the prompt; else it was chosen for the model. */
  readonly isPromptChosen: boolean;
  readonly forecast: Forecast | null;
  readonly isSignedIn: boolean;
  readonly problems: Readonly<Record<string, string>>;
}

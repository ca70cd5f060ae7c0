import type { BaseFiles } from "../base-files.ts";
import type { Plan } from "../plan.ts";
import type { Recipe } from "../recipe.ts";
import type { HeldOut, History } from "../run/history.ts";

/** How a guide came to be: `record.json` beside it, for programs. */
export interface DistillRecord {
  readonly format: "guidepost-distilled/1";
  readonly guidepost: string;
  /** Its files as they were when the run began, and found to be in the end. */
  readonly base: BaseFiles & { readonly sha256After: string; readonly parameters: number; readonly trainable: 0 };
  readonly guide: Plan["guide"] & { readonly sha256: string; readonly share: number };
  readonly recipe: Recipe;
  readonly recipeSha256: string;
  readonly states: { readonly count: number; readonly passes: number };
  /** Of work, in all sittings. */
  readonly seconds: History["seconds"];
  readonly runtime: {
    readonly name: string;
    readonly version: string;
    readonly provider: string;
    readonly threads: number;
  };
  /** The last look at walks that were held out. */
  readonly heldOut: HeldOut;
}
